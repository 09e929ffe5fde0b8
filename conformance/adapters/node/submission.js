"use strict";

// Reads `submit`, `open` and `resize`: are they valid, and what do they ask for?
// (../../protocol/protocol.md)

const { OUR_STAGES, carried } = require("./bodies");
const { BODIES, STAGES } = require("./words");

const ID_CHARACTERS = 64; // so that any id fits into a ledger line, even when it is escaped
const MOST_BYTES = 2 ** 30; // of a large result

// The adapter cannot do this at all; the text goes to the harness as `refused`.
class Refused extends Error {}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// For an `open` or a `resize`. Throws Refused.
function workersOf({ workers }) {
  if (!Number.isInteger(workers) || workers < 1) {
    throw new Refused("`workers` must be an integer, 1 or more");
  }
  return workers;
}

// The options of an `open` besides the workers. Throws Refused.
function opening(command, capabilities) {
  const { tasks_per_worker: tasks = null, initializer = null } = command;
  const options = {};
  if (tasks !== null) {
    if (!capabilities.includes("recycles")) {
      throw new Refused("this pool replaces no worker after so many tasks");
    }
    if (!Number.isInteger(tasks) || tasks < 1) {
      throw new Refused("`tasks_per_worker` must be an integer, 1 or more");
    }
    options.tasksPerWorker = tasks;
  }
  if (initializer !== null) {
    if (!capabilities.includes("initializer")) {
      throw new Refused("this pool's workers run nothing before their first task");
    }
    if (!isObject(initializer) || typeof initializer.ledger !== "string") {
      throw new Refused("`initializer` must be an object that holds the path `ledger`");
    }
    options.initializer = initializer.ledger;
  }
  return options;
}

// A task: `call` is the one argument of the function `run` in bodies.js. Throws Refused.
function read(command, capabilities) {
  const { id, body, args, deadline_ms: deadlineMs = null } = command;
  if (typeof id !== "string" || id === "" || [...id].length > ID_CHARACTERS) {
    throw new Refused(`\`id\` must be a string of 1 to ${ID_CHARACTERS} characters`);
  }
  if (!BODIES.includes(body)) {
    throw new Refused(`\`body\`: there is no ${body}, only ${BODIES.join(", ")}`);
  }
  if (!isObject(args)) throw new Refused("`args` must be an object");
  const { ledger, rendezvous } = args;
  if (typeof ledger !== "string" || typeof rendezvous !== "string") {
    throw new Refused("`args` must hold the paths `ledger` and `rendezvous`");
  }
  if (deadlineMs !== null) {
    if (!capabilities.includes("task_deadline")) {
      throw new Refused("this pool ends no task at a deadline");
    }
    if (!Number.isInteger(deadlineMs) || deadlineMs < 0) {
      throw new Refused("`deadline_ms` must be an integer, 0 or more");
    }
  }
  if ((command.on_done ?? null) !== null) {
    throw new Refused("this pool has no done-callback but the promises of the language");
  }
  const place = { task: id, ledger, rendezvous };
  const stage = stageOf(body, args);
  let argument = argumentOf(body, args);
  if (stage === "encode-args") argument = carried(place, stage, argument);
  return { id, deadlineMs, call: { place, body, stage, argument } };
}

function stageOf(body, { stage }) {
  if (body !== "carry") return "";
  if (!STAGES.includes(stage)) {
    throw new Refused(`\`args.stage\` of carry must be one of ${STAGES.join(", ")}`);
  }
  if (!OUR_STAGES.includes(stage)) {
    throw new Refused("`args.stage`: no code of ours can run while Node decodes a value");
  }
  return stage;
}

function argumentOf(body, args) {
  if (body === "large") {
    if (!Number.isInteger(args.bytes) || args.bytes < 1 || args.bytes > MOST_BYTES) {
      throw new Refused(`\`args.bytes\` of large must be an integer, 1 to ${MOST_BYTES}`);
    }
    return args.bytes;
  }
  if (body !== "rendezvous" && args.value === undefined) {
    throw new Refused(`\`args\` of ${body} must hold \`value\``);
  }
  return args.value ?? null;
}

module.exports = {
  ID_CHARACTERS,
  MOST_BYTES,
  Refused,
  isObject,
  opening,
  read,
  workersOf,
};
