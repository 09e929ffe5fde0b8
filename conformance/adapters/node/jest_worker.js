"use strict";

// jest-worker with worker processes: https://github.com/jestjs/jest/tree/main/packages/jest-worker

const path = require("path");
const kit = require("./kit");

const DEATH = /^A jest worker process \(pid=(\d+)\) .*?(?:signal=(\w+), )?exitCode=(\w+)(?:\.|$)/;

function death(error) {
  const [, pid, signal, code] = DEATH.exec(error.message);
  const told = { kind: "worker-lost", scope: "worker", ...kit.causeOf(code, signal) };
  return { ...told, blame: { pid: Number(pid) } };
}

const TABLE = [
  [kit.says(DEATH), death],
  [kit.says(/^Jest worker encountered \d+ child process exceptions/), { kind: "worker-lost" }],
  [kit.says("Jest worker ran out of memory and crashed"), { kind: "worker-lost" }],
  [kit.says(/^Farm is ended, no more calls/), { kind: "shutdown", certainty: "not-started" }],
  [
    kit.couldNotSend(/(?:build\/index|ChildProcessWorker)\.js/),
    { kind: "encode-args", certainty: "not-started" },
  ],
  [kit.cameFromAnEncoder, { kind: "encode-result", certainty: "ran" }],
  [kit.says(/^spawn /), { kind: "spawn-failed", certainty: "not-started" }],
  [kit.cameFromTheTask, { kind: "task-error", certainty: "ran" }],
  // If a task throws nothing, the worker makes an error of its own.
  [kit.says(/^"null" or "undefined" thrown$/), { kind: "task-error", certainty: "ran" }],
];

kit.serve("jest-worker", (module) => ({
  pool: "jest-worker (child processes)",
  capabilities: ["worker_processes", "results_cross", "initializer", "close_kill"],
  table: TABLE,
  recovers: "replaces",
  longestWait: [
    0.5,
    "jest-worker/build/index.js: 500 ms until a worker is ended by force, SIGKILL_DELAY later",
  ],

  open(workers, { initializer }) {
    const { Worker, default: whole } = module; // exported by name since 27, or as the module
    const Farm = Worker ?? whole.Worker ?? whole.default ?? whole;
    const options = { numWorkers: workers, exposedMethods: ["run"] };
    if (initializer !== undefined) options.setupArgs = [initializer];
    // It calls `setup` of every script that has one.
    const script = initializer === undefined ? "bodies.js" : "initialized_bodies.js";
    this.farm = new Farm(path.join(__dirname, script), options);
    // The pool gives the output of its workers to the program, which must print it.
    this.farm.getStdout()?.pipe(process.stderr, { end: false });
    this.farm.getStderr()?.pipe(process.stderr, { end: false });
  },

  submit(task) {
    return this.farm.run(task.call);
  },

  async close() {
    await this.farm.end();
    this.farm.getStdout()?.unpipe(process.stderr);
    this.farm.getStderr()?.unpipe(process.stderr);
    this.farm = null;
  },
}));
