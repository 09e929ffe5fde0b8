// For the cage's tests: sockets with an address, as a pool may leave them.
#pragma once

#include <string>

// Opens one of each and keeps it: in a file of that path, under an abstract name, listening on a
// TCP port. Returns the port, as text.
std::string open_sockets(const std::string& path);
