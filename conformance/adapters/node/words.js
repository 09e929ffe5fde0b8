"use strict";

// Generated from conformance/protocol/words.toml by generate_words.py; do not edit.

const CLOSINGS = ["drain", "cancel", "kill"];
const BODIES = ["echo", "rendezvous", "large", "carry"];
const STAGES = ["encode-args", "decode-args", "encode-result", "decode-result"];

module.exports = { CLOSINGS, BODIES, STAGES };
