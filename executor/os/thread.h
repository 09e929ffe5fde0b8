// Threads of the library: they block all signals, so that the user's handlers never run on them.
#pragma once

#include <functional>
#include <thread>

namespace poolproof::os {

std::thread start_quiet_thread(const char* name, std::function<void()> body);

}  // namespace poolproof::os
