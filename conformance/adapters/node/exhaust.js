"use strict";

// Using up what a process lives on (../../protocol/protocol.md, "Rendezvous", `exhaust`). Node can map no
// file, so that shared memory is used up by writing; it limits its stack itself, and its own
// allocator ends the process where no memory is to be had.

const fs = require("fs");
const os = require("os");
const path = require("path");

const CHUNK = 1 << 20; // bytes

function takeMemory(atMost) {
  const held = [];
  for (let taken = 0; taken < atMost; taken += CHUNK) held.push(Buffer.alloc(CHUNK, "x"));
}

function takeStack() {
  takeStack();
}

function takeFiles(atMost) {
  const held = [];
  try {
    for (let taken = 0; taken < atMost; ++taken) held.push(fs.openSync("/dev/null", "r"));
  } finally {
    for (const fd of held) fs.closeSync(fd);
  }
}

// A file in that folder, without a name as soon as it is open, grows and grows.
function growAFileIn(folder, atMost) {
  const name = path.join(folder, `grows-${process.pid}`);
  const fd = fs.openSync(name, "wx", 0o600);
  try {
    fs.unlinkSync(name);
    const chunk = Buffer.alloc(CHUNK, "x");
    for (let taken = 0; taken < atMost;) taken += fs.writeSync(fd, chunk);
  } finally {
    fs.closeSync(fd);
  }
}

const TAKERS = {
  memory: takeMemory,
  stack: takeStack,
  files: takeFiles,
  "file-size": (atMost) => growAFileIn(os.tmpdir(), atMost),
  "shared-memory": (atMost) => growAFileIn("/dev/shm", atMost),
};

// Returns what was thrown when more was refused; throws where nothing refused anything.
function exhaust(what, atMost) {
  try {
    TAKERS[what](atMost);
  } catch (refusal) {
    return refusal;
  }
  throw new Error(`nothing limits this process: it had ${atMost} of ${what}`);
}

module.exports = { exhaust };
