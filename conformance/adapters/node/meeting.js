"use strict";

// One meeting with the harness at its rendezvous: report the task and the point, and wait for the
// answer (../../protocol/protocol.md, "Rendezvous"). `meet` returns a promise, for a body that can
// await. `meetNow` returns the answer itself, for code that an encoder calls and that cannot await.

const fs = require("fs");
const net = require("net");
const { Worker, isMainThread, workerData } = require("worker_threads");

const ANSWER_BYTES = 65536;

// The harness is gone: end this process at once, without any handler.
function gone(what, error) {
  const why = error ? error.message : "end of file";
  fs.writeSync(2, `${what}: the harness is gone (${why})\n`);
  process.reallyExit(1);
}

// Connects, sends, reads one line, closes. Calls back with (error) or (null, the line's bytes).
function talk(address, words, done) {
  let said = Buffer.alloc(0);
  const socket = net.connect(address);
  const end = (error) => {
    socket.destroy();
    done(error, said);
    done = () => {};
  };
  socket.on("error", end);
  socket.on("end", () => end(new Error("end of file")));
  socket.on("data", (more) => {
    said = Buffer.concat([said, more]);
    if (said.includes(10)) end(null);
  });
  socket.write(`${JSON.stringify(words)}\n`);
}

function meet(place, point) {
  return new Promise((resolve) => {
    talk(place.rendezvous, { task: place.task, point }, (error, said) => {
      if (error) gone("rendezvous", error);
      resolve(JSON.parse(said));
    });
  });
}

// A thread of this same process talks, so that the kernel reports the right process to the harness.
// The caller sleeps until the thread has put the answer into shared memory.
function meetNow(place, point) {
  const state = new Int32Array(new SharedArrayBuffer(8)); // 0: not yet; then the length or -1
  const answer = new Uint8Array(new SharedArrayBuffer(ANSWER_BYTES));
  const words = { task: place.task, point };
  const data = { meeting: { address: place.rendezvous, words, state, answer } };
  new Worker(__filename, { workerData: data, execArgv: [], env: {} }).unref();
  Atomics.wait(state, 0, 0);
  if (state[0] < 0) gone("rendezvous");
  return JSON.parse(Buffer.from(answer.subarray(0, state[0])));
}

function meetForAnother({ address, words, state, answer }) {
  talk(address, words, (error, said) => {
    if (!error) answer.set(said);
    Atomics.store(state, 0, error ? -1 : said.length);
    Atomics.notify(state, 0);
  });
}

if (!isMainThread && workerData && workerData.meeting) meetForAnother(workerData.meeting);

module.exports = { gone, meet, meetNow };
