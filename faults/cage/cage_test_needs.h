// For the cage's tests: can a program have what it needs now? "yes", or why not as errno says it.
#pragma once

#include <string>

// Makes a control group at this path and goes into it.
std::string joins_a_group(const std::string& path);

std::string can_be_born();     // a child, by fork
std::string can_be_opened();   // one descriptor more
std::string can_be_started();  // this program once more, by exec in a child
