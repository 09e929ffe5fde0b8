// The other ends of descriptors: facts that only the kernel can report. What is the peer of a
// socket, is it ready, how many bytes wait in it? The answers come from a copy of the descriptor
// (pidfd_getfd), which is closed at once, and from netlink's socket monitoring.
#pragma once

#include <map>

#include "conformance/observe/look.h"

namespace poolproof::hang {

struct UnixSocket {
  std::uint64_t peer = 0;  // its inode; 0: none
  bool listening = false;
  bool datagram = false;
  bool whole = false;  // it preserves message boundaries
  bool named = false;
};

// All unix sockets of this network namespace, by inode. Empty if the kernel does not report them.
std::map<std::uint64_t, UnixSocket> unix_sockets();

// The number in "socket:[8891]".
std::uint64_t inode_in(const std::string& name);

// Fills in what `decode_wait` left open in the wishes of this wait of process `pid`.
void ask_ends(pid_t pid, Wait& wait, const std::map<std::uint64_t, UnixSocket>& sockets);

}  // namespace poolproof::hang
