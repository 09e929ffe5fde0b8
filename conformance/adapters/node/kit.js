"use strict";

// The adapter kit for Node. It obeys the harness. It makes no judgement, and has no timeout and no
// retry.
//
// An adapter is a program that launch.py starts. It calls `serve(PACKAGE, make)`. The kit loads the
// package, and says hello with the object that `make(module, version)` returns. This object has:
//
//   pool, capabilities, recovers, longestWait: [seconds, where that is written]
//   table             what each error of the pool means: rows for outcomes.js
//   open(workers, options)  makes the pool; options.tasksPerWorker and options.initializer (the
//   path
//                     of the ledger) are set if the harness asks for them, which needs `recycles`
//                     and `initializer` in the capabilities
//   resize(workers)   tells the open pool to have so many workers; needed only with `resize`
//   submit(task)      submits `task.call` to `run` of bodies.js; returns the pool's promise
//   cancel(id)        asks the pool to cancel; needed only with `cancel` in the capabilities
//   close(how)        calls the pool's own shutdown; one of the `close_*` in the capabilities
//
// If a version of the package cannot be driven, `make` must `throw new Refused(why)`. `open`,
// `cancel`, `resize` and `close` may return promises. What they throw is reported as `refused`;
// what `submit` throws is an outcome.

const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");
const line = require("./line");
const outcomes = require("./outcomes");
const { ID_CHARACTERS, Refused, isObject, opening, read, workersOf } = require("./submission");
const { CLOSINGS } = require("./words");

const PROTOCOL = 1;
const OLDEST_NODE = 18;
const WHY_CHARACTERS = 2000;

// --- events -----------------------------------------------------------------------------------

function emit(event, fields = {}) {
  const data = line.encode({ event, ...fields });
  if (data.length > line.MESSAGE_BYTES) {
    const most = line.MESSAGE_BYTES;
    throw new Refused(`\`${event}\` takes ${data.length} bytes; a message may have ${most}`);
  }
  line.write(data);
}

// Reports that `command`, whatever it is, cannot be done.
function refuse(command, why) {
  const { cmd, id } = isObject(command) ? command : {};
  const fields = { cmd: typeof cmd === "string" ? cmd.slice(0, ID_CHARACTERS) : "" };
  if (typeof id === "string") fields.id = id.slice(0, 4 * ID_CHARACTERS);
  emit("refused", { ...fields, why: why.slice(0, WHY_CHARACTERS) });
}

// Reports how a task ended; never throws into the pool that calls it.
function settle(task, outcome) {
  try {
    if (outcome.kind === "value" && JSON.stringify(outcome.value) === undefined) {
      throw new TypeError(`${typeof outcome.value} has no form in it`);
    }
    emit("settled", { id: task.id, outcome });
  } catch (error) {
    if (error instanceof Refused) {
      refuse({ cmd: "submit", id: task.id }, error.message);
      return;
    }
    const what = new TypeError(`the outcome of ${outcome.kind} is no JSON: ${error.message}`);
    emit("settled", { id: task.id, outcome: { kind: "unmapped", native: outcomes.native(what) } });
  }
}

// --- commands ---------------------------------------------------------------------------------

// Passes one command after the other to the adapter.
class Desk {
  isOpen = false;
  submitted = new Set();
  notTaken = new Set(); // tasks that the pool refused at submit: they have already settled
  waiting = [];
  isBusy = false;

  constructor(adapter) {
    this.adapter = adapter;
    // If the kernel reported something before a command, such as a worker's death, the pool must
    // see it first. It reaches the same loop in other ways, and on a busy machine one turn later.
    this.socket = line.listen((data) => setImmediate(setImmediate, () => this.take(data)));
  }

  async take(data) {
    this.waiting.push(data);
    if (this.isBusy) return; // a call that is not finished delays later commands
    this.isBusy = true;
    while (this.waiting.length > 0) await this.answer(this.waiting.shift());
    this.isBusy = false;
  }

  async answer(data) {
    let command;
    try {
      command = decode(data);
      await this.obey(command);
    } catch (error) {
      const { type, text } = outcomes.native(error);
      refuse(command, error instanceof Refused ? error.message : `${type}: ${text}`);
    }
  }

  obey(command) {
    const deeds = ["open", "submit", "cancel", "resize", "close", "bye"];
    if (!deeds.includes(command.cmd)) {
      throw new Refused("unknown command; known are open, submit, cancel, resize, close and bye");
    }
    return this[command.cmd](command);
  }

  async open(command) {
    const workers = workersOf(command);
    const options = opening(command, this.adapter.capabilities);
    if (this.isOpen) throw new Refused("a pool is open; close it first");
    await this.adapter.open(workers, options);
    this.isOpen = true;
    emit("opened");
  }

  submit(command) {
    const task = read(command, this.adapter.capabilities);
    if (!this.isOpen) throw new Refused("no pool is open");
    if (this.submitted.has(task.id)) throw new Refused("a task of this id was submitted before");
    this.submitted.add(task.id);
    const fails = (error) => settle(task, outcomes.outcomeOf(error, this.adapter.table));
    try {
      const promise = this.adapter.submit(task);
      promise.then((result) => settle(task, outcomes.value(task, result)), fails);
    } catch (error) {
      this.notTaken.add(task.id);
      fails(error);
    }
  }

  async cancel({ id }) {
    if (!this.adapter.capabilities.includes("cancel")) {
      throw new Refused("this pool cancels no task");
    }
    if (!this.submitted.has(id)) throw new Refused("no task of this id was submitted");
    if (!this.notTaken.has(id)) await this.adapter.cancel(id);
  }

  async resize(command) {
    if (!this.adapter.capabilities.includes("resize")) {
      throw new Refused("this pool keeps the workers that it was opened with");
    }
    const workers = workersOf(command);
    if (!this.isOpen) throw new Refused("no pool is open");
    await this.adapter.resize(workers);
    emit("resized");
  }

  async close({ how }) {
    if (!CLOSINGS.includes(how)) {
      throw new Refused(`\`how\` must be one of ${CLOSINGS.join(", ")}`);
    }
    if (!this.adapter.capabilities.includes(`close_${how}`)) {
      throw new Refused(`this pool has no shutdown that is a ${how}`);
    }
    if (!this.isOpen) throw new Refused("no pool is open");
    await this.adapter.close(how);
    this.isOpen = false;
    emit("closed");
  }

  // Node ends when nothing is left to wait for, but it usually waits for an open pool. So if `main`
  // ends while tasks run, this is a call of exit.
  bye() {
    if (this.isOpen) process.exit(0);
    this.socket.unref(); // still noticed if it ends
  }
}

function decode(data) {
  if (data.length > line.MESSAGE_BYTES) {
    throw new Refused(`a message may have ${line.MESSAGE_BYTES} bytes; this one has more`);
  }
  let command;
  try {
    command = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch (error) {
    throw new Refused(`a message must be one JSON object in UTF-8: ${error.message}`);
  }
  if (!isObject(command)) throw new Refused("a message must be one JSON object");
  return command;
}

// --- start ------------------------------------------------------------------------------------

// The package, from the folder that launch.py got, or from this one.
async function load(name) {
  const folder = path.join(process.argv[2] || __dirname, "node_modules", name);
  let manifest;
  try {
    manifest = JSON.parse(fs.readFileSync(path.join(folder, "package.json")));
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    throw new Refused(
      `${name} is not installed for this adapter; in the source tree ./dev build installs it, or` +
        ` call: npm ci --ignore-scripts --prefix ${process.argv[2] || __dirname}`,
    );
  }
  const module = await import(pathToFileURL(path.join(folder, entryOf(manifest))));
  return { module, version: manifest.version };
}

// The file of the package that an import loads.
function entryOf({ exports, main }) {
  let entry = isObject(exports) ? (exports["."] ?? exports) : exports;
  while (isObject(entry)) entry = entry.import ?? entry.default ?? entry.node ?? entry.require;
  return entry ?? main ?? "index.js";
}

async function start(name, make) {
  const node = process.versions.node;
  if (Number.parseInt(node, 10) < OLDEST_NODE) {
    throw new Refused(`this kit needs Node ${OLDEST_NODE} or later; \`node\` on PATH is ${node}`);
  }
  const { module, version } = await load(name);
  const adapter = make(module, version);
  const [seconds, source] = adapter.longestWait;
  emit("hello", {
    protocol: PROTOCOL,
    pool: adapter.pool,
    version,
    language: `JavaScript (Node ${node})`,
    capabilities: adapter.capabilities,
    recovers: adapter.recovers,
    longest_wait: { seconds, source },
  });
  return new Desk(adapter);
}

// Says hello and obeys until `bye`; or refuses to say hello, with the reason.
function serve(name, make) {
  if (!line.isHere()) {
    console.error("An adapter for Node is started by launch.py (conformance/adapters/node).");
    process.exit(2);
  }
  start(name, make).catch((error) => {
    refuse({ cmd: "hello" }, error instanceof Refused ? error.message : String(error.stack));
    process.exit(1);
  });
}

module.exports = { ...outcomes, Refused, serve };
