"use strict";

// Outcomes: how a value or a pool's own error is told in the protocol's words (../../protocol/protocol.md).
// Pure functions; an adapter calls them through the kit.

const NATIVE_CHARACTERS = 2000;
const VALUE_CHARACTERS = 4096; // of a string that is told whole

const characters = (text) => text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, "x").length;

// The outcome of a task that returned. A long string is told by its length alone.
function value(task, result) {
  const plain = task.call.stage === "encode-result" ? result.carried : result;
  const length = typeof plain === "string" ? characters(plain) : 0;
  return { kind: "value", value: length > VALUE_CHARACTERS ? { length } : plain };
}

function typeOf(error) {
  if (typeof error !== "object" || error === null) return error === null ? "null" : typeof error;
  const maker = error.constructor ? error.constructor.name : "";
  const says = typeof error.name === "string" ? error.name : "";
  return says && (says !== "Error" || !(error instanceof Error)) ? says : maker || "object";
}

// The pool's own error in its own words, with the cause that it names. It may be anything at all.
function native(error) {
  try {
    const { message = error, cause } = error ?? { message: String(error) };
    const text = cause ? `${message}\ncaused by: ${cause}` : String(message);
    return { type: typeOf(error), text: text.slice(0, NATIVE_CHARACTERS) };
  } catch (unsayable) {
    return { type: typeof error, text: `(its text cannot be had: ${unsayable})` };
  }
}

// The first row of the table that knows the error says what it is, in words or by a function of the
// error; without one it is `unmapped`.
function outcomeOf(error, table) {
  for (const [knows, outcome] of table) {
    if (!knows(error)) continue;
    const told = typeof outcome === "function" ? outcome(error) : outcome;
    return { ...told, native: native(error) };
  }
  return { kind: "unmapped", native: native(error) };
}

// --- for a table ------------------------------------------------------------------------------

// The error's text is this, or matches it.
const says = (text) => (error) =>
  error instanceof Error &&
  (text instanceof RegExp ? text.test(error.message) : error.message === text);

const isCalled = (name) => (error) => error instanceof Error && typeOf(error) === name;

// All that a task does stands in bodies.js and exhaust.js, and the error that it threw carries a
// stack from there.
const cameFromTheTask = (error) =>
  error instanceof Error &&
  ["bodies", "exhaust"].some((file) => String(error.stack).includes(`${__dirname}/${file}.js:`));

// It came from there because an encoder read a property of ours.
const encoder = /at (?:JSON\.stringify|.*serialize|.*node:internal\/child_process)/i;
const cameFromAnEncoder = (error) => cameFromTheTask(error) && encoder.test(error.stack);

// An encoder in this process read it, where a file of the pool called that no worker loads.
const couldNotSend = (file) => (error) => cameFromTheTask(error) && file.test(error.stack);

// What a process ended with, as Node tells it: an exit code, or else a signal.
function causeOf(code, signal) {
  if (/^SIG[A-Z0-9]+$/.test(signal)) return { cause: `signal:${signal.slice(3)}` };
  return /^\d+$/.test(code) ? { cause: `exit:${code}` } : {};
}

module.exports = {
  NATIVE_CHARACTERS,
  VALUE_CHARACTERS,
  cameFromAnEncoder,
  cameFromTheTask,
  causeOf,
  couldNotSend,
  isCalled,
  native,
  outcomeOf,
  says,
  value,
};
