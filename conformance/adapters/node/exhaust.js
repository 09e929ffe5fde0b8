"use strict";

// Uses up a resource of the process (../../protocol/protocol.md, "Rendezvous", `exhaust`). Node
// cannot map files, so shared memory is used up by writing. Node limits its stack itself. If there
// is no memory, its own allocator ends the process.

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

// Opens a file in that folder, removes its name, and makes it larger and larger.
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

// Returns the error that came when more was refused; throws if nothing was refused.
function exhaust(what, atMost) {
  try {
    TAKERS[what](atMost);
  } catch (refusal) {
    return refusal;
  }
  throw new Error(`nothing limits this process: it had ${atMost} of ${what}`);
}

module.exports = { exhaust };
