// What a socket is called: a descriptor shows its number alone, and these tables its address.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace poolproof::faults {

// By inode: "unix /tmp/x", "unix @abstract", "listens on tcp port 4000", "udp port 53". One of unix
// without an address has the name "", all others without one are left out, and so are connections.
using SocketNames = std::map<unsigned long, std::string>;

// Adds what a text of /proc/net/unix, or of /proc/net/PROTOCOL ("tcp", "tcp6", "udp", "udp6"),
// says.
void add_unix_sockets(std::string_view text, SocketNames& names);
void add_ports(std::string_view text, const std::string& protocol, SocketNames& names);

// Of these sockets of a process, at least, in the network that it sees.
SocketNames socket_names_of(int pid, const std::set<unsigned long>& inodes);

// The inode of "socket:[123]"; 0 of what is no socket.
unsigned long socket_inode(std::string_view target);

}  // namespace poolproof::faults
