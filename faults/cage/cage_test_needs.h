// For the cage's tests: can a program get what it needs now? "yes", or the text of errno.
#pragma once

#include <string>

// Makes a control group at this path and moves this process into it.
std::string joins_a_group(const std::string& path);

std::string can_be_born();     // starts a child, by fork
std::string can_be_opened();   // opens one more descriptor
std::string can_be_started();  // runs this program again, by exec in a child
