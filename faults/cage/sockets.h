// The address of a socket: a descriptor shows only its number, and these tables show its address.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace poolproof::faults {

// By inode: "unix /tmp/x", "unix @abstract", "listens on tcp port 4000", "udp port 53". A unix
// socket without an address has the name "". Other sockets without an address, and connections, are
// left out.
using SocketNames = std::map<unsigned long, std::string>;

// Adds the rows of a text of /proc/net/unix, or of /proc/net/PROTOCOL ("tcp", "tcp6", "udp",
// "udp6").
void add_unix_sockets(std::string_view text, SocketNames& names);
void add_ports(std::string_view text, const std::string& protocol, SocketNames& names);

// The names of at least these sockets of a process, in the network that the process sees.
SocketNames socket_names_of(int pid, const std::set<unsigned long>& inodes);

// The inode of "socket:[123]"; 0 if it is not a socket.
unsigned long socket_inode(std::string_view target);

}  // namespace poolproof::faults
