#include <poolproof/executor.h>

#include <csignal>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>

// Says what it wanted to do, and keeps the cause.
std::string load(const std::string& file) {
  try {
    if (!std::ifstream(file)) {
      throw std::system_error(std::make_error_code(std::errc::no_such_file_or_directory), file);
    }
    return "loaded";
  } catch (...) {
    std::throw_with_nested(std::runtime_error("cannot load the settings"));
  }
}

int main() {
  poolproof::Executor pool({.workers = 1});

  // The name of the task, the exception, its causes, and the code of the first that has one.
  try {
    pool.submit({.name = "settings"}, load, "/no/such/file").get();
  } catch (const poolproof::TaskError& error) {
    std::cout << error.what() << "\n";
    if (error.code() == std::errc::no_such_file_or_directory) std::cout << "take the defaults\n";
    for (const poolproof::Thrown& each : error.nested()) std::cout << each.type_name << "\n";
  }

  // Values that are no exceptions are told, too.
  try {
    pool.submit([] { throw 42; }).get();
  } catch (const poolproof::TaskError& error) {
    std::cout << error.what() << "\n";
  }

  // A lost worker is one lost task, unless the pool has ended with it.
  try {
    pool.submit([] { std::raise(SIGKILL); }).get();
  } catch (const poolproof::BrokenProcessPool& error) {
    std::cout << (error.pool_ended() ? "make another pool\n" : "the pool is as before\n");
  }
}
