"use strict";

// What tasks do: a closed list, the same for every pool (../../protocol/protocol.md, "Bodies").
//
// A worker loads this file to run a task, and an adapter loads it through the kit. It reaches the
// harness by the two addresses in the task's own arguments, and knows nothing of the line.

const fs = require("fs");
const { spawn } = require("child_process");
const { exhaust } = require("./exhaust");
const { gone, meet, meetNow } = require("./meeting");

// The stages at which our code can run: Node's codecs (JSON, structured clone) read properties to
// encode, and call nothing to decode.
const OUR_STAGES = ["encode-args", "encode-result"];
const LEDGER_BYTES = 512; // a write of this size to a FIFO is never torn
const GARBAGE_BYTES = 4096; // a pipe takes this much as a whole, or nothing
const FOR_EVER_MS = 2 ** 31 - 1; // the longest timer of Node, which is started again and again

function writeLedger(place, ev, more = {}) {
  const t_ns = Number(process.hrtime.bigint());
  // (JSON leaves out undefined fields: an initializer has no task.)
  const entry = { ev, task: place.task, pid: process.pid, t_ns, ...more };
  const data = Buffer.from(`${JSON.stringify(entry)}\n`);
  if (data.length > LEDGER_BYTES) {
    throw new Error(`a ledger line of ${data.length} bytes could be torn`);
  }
  try {
    const fd = fs.openSync(place.ledger, fs.constants.O_WRONLY);
    try {
      fs.writeSync(fd, data);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    if (error.code !== "ENOENT" && error.code !== "EPIPE") throw error;
    gone("ledger", error);
  }
}

// --- what a body is told to do ----------------------------------------------------------------

// The descriptors of this process, except the one that lists them, which is closed again.
function descriptors() {
  return fs.readdirSync("/proc/self/fd").map(Number).filter(isOpen);
}

function isOpen(fd) {
  try {
    fs.fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

// A child that holds every descriptor of this process under its own number, and sleeps forever.
function leaveAChild(place) {
  const open = new Set(descriptors());
  const stdio = Array.from({ length: Math.max(...open) + 1 }, (_, fd) =>
    open.has(fd) ? fd : "ignore",
  );
  const child = spawn("sleep", ["infinity"], { stdio });
  if (child.pid === undefined) throw new Error("no child could be started");
  child.unref(); // this process does not wait for it
  writeLedger(place, "struck", { child: child.pid });
}

function closeAll(place) {
  writeLedger(place, "struck"); // first: its pool may end it once it sees them close
  for (const fd of descriptors()) if (fd > 2) fs.closeSync(fd);
}

// Writes up to so much to every pipe and socket that takes it at once. It skips a pipe with both
// ends in this process, because Node uses it to wake itself up.
function writeGarbage(place) {
  writeLedger(place, "struck"); // first: its pool may end it as soon as it reads it
  const rubbish = Buffer.alloc(GARBAGE_BYTES, "rubbish of a worker ");
  const open = descriptors().map((fd) => ({ fd, stat: fs.fstatSync(fd) }));
  for (const { fd, stat } of open) {
    const ends = open.filter((other) => other.stat.isFIFO() && other.stat.ino === stat.ino);
    if (fd < 3 || !(stat.isSocket() || (stat.isFIFO() && ends.length === 1))) continue;
    try {
      fs.writeSync(fd, rubbish);
    } catch {
      // Its reading end, or one that is full or closed: nothing can be damaged there.
    }
  }
}

function raiseInItself(name) {
  process.removeAllListeners(`SIG${name}`); // a signal without a listener has its default action
  process.kill(process.pid, `SIG${name}`);
}

function loop() {
  for (;;);
}

// Node's `process.exit` runs handlers first; this is the nearest to `_exit`.
function exitAtOnce(code) {
  process.reallyExit(code);
}

function fail(place, error) {
  writeLedger(place, "struck");
  throw error;
}

// What remains to do afterwards: go to the rendezvous again (true), or continue (false).
const DEEDS = {
  go: () => false,
  exit: (place, { code }) => exitAtOnce(code),
  raise: (place, { signal }) => raiseInItself(signal),
  loop,
  throw: (place, { text }) => fail(place, new Error(text)),
  // These codecs can decode everything that they can encode. So this throws `null`, which is
  // common: `Promise.reject()` gives an error with neither a type nor a text nor a property.
  "throw-undecodable": (place) => fail(place, null),
  fork: (place) => leaveAChild(place) || true,
  exhaust: (place, { what, at_most: atMost }) => fail(place, exhaust(what, atMost)),
  "close-fds": closeAll,
  garbage: writeGarbage,
};

function doAsTold(place, answer) {
  const deed = Object.hasOwn(DEEDS, answer.do) ? DEEDS[answer.do] : undefined;
  if (!deed) throw new Error(`the harness answered ${answer.do}, which no body can do`);
  return deed(place, answer);
}

async function standAt(place, point) {
  for (;;) {
    const answer = await meet(place, point);
    if (answer.do === "sleep") await new Promise(() => setInterval(() => {}, FOR_EVER_MS));
    if (!doAsTold(place, answer)) return;
  }
}

function standAtNow(place, point) {
  for (;;) {
    const answer = meetNow(place, point);
    if (answer.do === "sleep") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    if (!doAsTold(place, answer)) return;
  }
}

// --- the bodies -------------------------------------------------------------------------------

// An object whose encoding meets the harness: it has one property, which the encoder must read. If
// a pool tries several encoders, the property throws the same error again.
function carried(place, stage, plain) {
  let met = false;
  let thrown;
  const read = () => {
    if (!met) {
      met = true;
      try {
        standAtNow(place, stage);
      } catch (error) {
        thrown = { error };
      }
    }
    if (thrown) throw thrown.error;
    return plain;
  };
  return Object.defineProperty({}, "carried", { enumerable: true, get: read });
}

// The function that every pool runs, for every body.
async function run({ place, body, stage, argument }) {
  writeLedger(place, "start");
  let result = argument;
  if (body === "rendezvous") {
    await standAt(place, "running");
  } else if (body === "large") {
    await standAt(place, "running");
    result = "x".repeat(argument);
  } else if (stage === "encode-args") {
    result = argument.carried;
  } else if (stage === "encode-result") {
    result = carried(place, stage, argument);
  }
  writeLedger(place, "end");
  return result;
}

// The initializer of a pool: each worker calls it once, before its first task.
const initialize = (ledger) => writeLedger({ ledger }, "init");

module.exports = { LEDGER_BYTES, OUR_STAGES, carried, initialize, run };
