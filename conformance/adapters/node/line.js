"use strict";

// The line to the harness: one message is one write and one read on a SEQPACKET socket
// (../../protocol/protocol.md). launch.py has moved it away from the descriptors of the pool and
// its tasks.
//
// Reading is an event of Node's own loop. So no thread ever waits for the line: a read in the
// thread pool cannot be cancelled, and a program that fails during such a read would hang at its
// end. Node's public interface opens no SEQPACKET socket. Its handle for pipes reads any
// descriptor, one read for each message. Writing is one plain write.

const fs = require("fs");
const net = require("net");

const LINE = 10; // as in launch.py
const MESSAGE_BYTES = 65536;

const pause = new Int32Array(new SharedArrayBuffer(4));

// The harness is gone: nothing can be reported, and nothing that runs at the end matters.
function gone() {
  process.reallyExit(0);
}

function isHere() {
  try {
    return fs.fstatSync(LINE).isSocket();
  } catch {
    return false;
  }
}

// Half of a surrogate pair is not valid UTF-8, and not every parser accepts its escape in JSON.
function wellFormed(key, value) {
  return typeof value === "string" && /[\ud800-\udfff]/.test(value)
    ? Buffer.from(value).toString()
    : value;
}

function encode(message) {
  return Buffer.from(`${JSON.stringify(message, wellFormed)}\n`);
}

// Sends one message. Blocks while the harness reads nothing.
function write(data) {
  for (;;) {
    try {
      fs.writeSync(LINE, data);
      return;
    } catch (error) {
      if (error.code === "EPIPE" || error.code === "ECONNRESET") gone();
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(pause, 0, 0, 1); // the socket is full, and Node cannot wait for a descriptor
    }
  }
}

// Calls `take` with the bytes of each message; if there are too many, with MESSAGE_BYTES + 1 of
// them. The program lives as long as the line, unless the returned socket is unref'd.
function listen(take) {
  const { Pipe, constants } = process.binding("pipe_wrap");
  const handle = new Pipe(constants.SOCKET);
  const failed = handle.open(LINE);
  if (failed) throw new Error(`the line cannot be read: error ${failed}`);
  const callback = (bytes, buffer) => {
    take(Buffer.from(buffer.subarray(0, bytes)));
    return true; // continue to read
  };
  const onread = { buffer: Buffer.alloc(MESSAGE_BYTES + 1), callback };
  const socket = new net.Socket({ handle, readable: true, writable: false, onread });
  socket.on("end", gone);
  socket.on("error", gone); // the harness ended while it had not read all our messages
  return socket;
}

module.exports = { MESSAGE_BYTES, encode, isHere, listen, write };
