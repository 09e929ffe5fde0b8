// For the cage's tests: sockets with an address, as a pool may leave them behind.
#pragma once

#include <string>

// Opens one of each kind and keeps it open: a socket file with that path, an abstract name, a TCP
// port. Returns the port, as text.
std::string open_sockets(const std::string& path);
