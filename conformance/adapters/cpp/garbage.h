// What a worker sends to harm its pool (conformance/protocol/protocol.md, `garbage`).
#pragma once

namespace poolproof::adapter {

// Writes garbage to every pipe and socket of this process from descriptor 3 on: up to 4096 bytes to
// each one that takes them at once.
void write_garbage();

}  // namespace poolproof::adapter
