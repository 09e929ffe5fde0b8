"use strict";

// workerpool with worker processes: https://github.com/josdejong/workerpool

const path = require("path");
const kit = require("./kit");

// The pool reports a worker's end only in the text of its error.
function death(error) {
  const [, code, signal] = /exitCode: `(.*)`\s+signalCode: `(.*)`/.exec(error.message) ?? [];
  return { kind: "worker-lost", scope: "worker", ...kit.causeOf(code, signal) };
}

const TABLE = [
  [kit.isCalled("CancellationError"), { kind: "cancelled" }],
  [kit.isCalled("TimeoutError"), { kind: "deadline", scope: "task" }],
  [kit.says(/^Pool terminated$/), { kind: "shutdown", certainty: "not-started" }],
  [kit.says(/^Worker terminated$/), { kind: "shutdown" }],
  [kit.says(/^Worker is terminated$/), { kind: "worker-lost", certainty: "not-started" }],
  [kit.says(/^(?:Workerpool )?Worker (?:terminated unexpectedly|error: )/i), death],
  [kit.couldNotSend(/WorkerHandler\.js/), { kind: "encode-args", certainty: "not-started" }],
  [kit.cameFromAnEncoder, { kind: "encode-result", certainty: "ran" }],
  [kit.says(/^spawn /), { kind: "spawn-failed", certainty: "not-started" }],
  [kit.says(/^Max queue size/), { kind: "rejected", certainty: "not-started" }],
  [kit.cameFromTheTask, { kind: "task-error", certainty: "ran" }],
];

// The pool sends the text of a function to its workers, where only globals are visible. (With our
// own script instead of the default worker, 6.0.1 fails on a current Node.)
const runOf = (file, call) => process.mainModule.require(file).run(call);
const BODIES = path.join(__dirname, "bodies.js");

kit.serve("workerpool", ({ default: workerpool }, version) => ({
  pool: "workerpool (process)",
  capabilities: [
    "worker_processes",
    "results_cross",
    "task_deadline",
    "cancel",
    "close_cancel", // terminate(): running tasks finish, waiting tasks are rejected
    "close_kill", // terminate(true)
  ],
  table: TABLE,
  recovers: "replaces",
  longestWait: [1, "workerpool/src/Pool.js: workerTerminateTimeout, 1000 ms unless told otherwise"],

  open(workers) {
    const kind = Number.parseInt(version, 10) < 5 ? "nodeWorker" : "workerType";
    this.workers = workerpool.pool({ maxWorkers: workers, [kind]: "process" });
    this.promises = new Map();
  },

  submit(task) {
    const promise = this.workers.exec(runOf, [BODIES, task.call]);
    if (task.deadlineMs !== null) promise.timeout(task.deadlineMs);
    this.promises.set(task.id, promise);
    return promise;
  },

  cancel(id) {
    this.promises.get(id).cancel();
  },

  async close(how) {
    await this.workers.terminate(how === "kill");
    this.workers = this.promises = null;
  },
}));
