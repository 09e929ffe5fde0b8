"use strict";

// tinypool with worker processes: https://github.com/tinylibs/tinypool

const path = require("path");
const kit = require("./kit");

const TABLE = [
  [kit.isCalled("AbortError"), { kind: "cancelled" }],
  [kit.isCalled("CancelError"), { kind: "cancelled", certainty: "not-started" }],
  [kit.says("Terminating worker thread"), { kind: "shutdown" }],
  [kit.says("Worker exited unexpectedly"), { kind: "worker-lost", scope: "worker" }],
  [kit.says("Task queue is at limit"), { kind: "rejected", certainty: "not-started" }],
  [
    kit.couldNotSend(/tinypool\/dist\/index\.js/),
    { kind: "encode-args", certainty: "not-started" },
  ],
  [kit.says(/^spawn /), { kind: "spawn-failed", certainty: "not-started" }],
  [told, { kind: "task-error", certainty: "ran" }],
];

// If the task threw an error, it comes as an object with the error's properties and no type;
// otherwise as a string.
function told(error) {
  return typeof error === "string" || kit.cameFromTheTask(Object.assign(new Error(), error));
}

function make({ default: Tinypool }, version) {
  const [major, minor] = version.split(".").map(Number);
  if (major === 0 && minor < 8) {
    throw new kit.Refused(`tinypool ${version} has worker threads only; processes since 0.8`);
  }
  return { ...DRIVER, Tinypool };
}

const DRIVER = {
  pool: "tinypool (child_process)",
  capabilities: ["worker_processes", "results_cross", "cancel", "close_kill"],
  table: TABLE,
  recovers: "replaces",
  longestWait: [1, "tinypool/dist/index.js: SIGKILL_TIMEOUT, 1000 ms from SIGTERM to SIGKILL"],

  open(workers) {
    this.tinypool = new this.Tinypool({
      runtime: "child_process",
      filename: path.join(__dirname, "bodies.js"),
      name: "run",
      minThreads: workers,
      maxThreads: workers,
    });
    // The pool reports here what happens to an idle worker, and Node ends a program that does not
    // listen.
    this.tinypool.on("error", (error) => console.error("tinypool tells of an error:", error));
    this.aborts = new Map();
  },

  submit(task) {
    const abort = new AbortController();
    this.aborts.set(task.id, abort);
    return this.tinypool.run(task.call, { signal: abort.signal });
  },

  cancel(id) {
    this.aborts.get(id).abort();
  },

  async close() {
    await this.tinypool.destroy();
    this.tinypool = this.aborts = null;
  },
};

kit.serve("tinypool", make);
