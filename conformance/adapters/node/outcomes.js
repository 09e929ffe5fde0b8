"use strict";

// Outcomes: how a value or a pool's own error is reported in the protocol's words
// (../../protocol/protocol.md). Pure functions; an adapter calls them through the kit.

const NATIVE_CHARACTERS = 2000;
const VALUE_CHARACTERS = 4096; // longer strings are reported by length

const characters = (text) => text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, "x").length;

// The outcome of a task that returned. For a long string, only its length is reported.
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

// The pool's own error, in its own words, with the cause that it names. The error may be any value.
function native(error) {
  try {
    const { message = error, cause } = error ?? { message: String(error) };
    const text = cause ? `${message}\ncaused by: ${cause}` : String(message);
    return { type: typeOf(error), text: text.slice(0, NATIVE_CHARACTERS) };
  } catch (unsayable) {
    return { type: typeof error, text: `(its text cannot be had: ${unsayable})` };
  }
}

// The first row of the table that matches the error gives the outcome, as an object or by a
// function of the error; if none matches, it is `unmapped`.
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

// All code of a task is in bodies.js and exhaust.js, so an error that a task threw has one of them
// in its stack.
const cameFromTheTask = (error) =>
  error instanceof Error &&
  ["bodies", "exhaust"].some((file) => String(error.stack).includes(`${__dirname}/${file}.js:`));

// It came from there because an encoder read one of our properties.
const encoder = /at (?:JSON\.stringify|.*serialize|.*node:internal\/child_process)/i;
const cameFromAnEncoder = (error) => cameFromTheTask(error) && encoder.test(error.stack);

// An encoder in this process read it, called by a file of the pool that no worker loads.
const couldNotSend = (file) => (error) => cameFromTheTask(error) && file.test(error.stack);

// How a process ended, as Node reports it: an exit code, or else a signal.
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
