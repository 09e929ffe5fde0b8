#include "conformance/cli/watch.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

namespace poolproof::cli {
namespace {

int stop_pipe[2] = {-1, -1};

void on_stop(int) {
  const char byte = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_pipe[1], &byte, 1);
}

}  // namespace

reports::Look look_of(int fd, const Common& common) {
  reports::Look look;
  look.colour = ::isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) look.columns = size.ws_col;
  if (::isatty(fd) != 1) look.columns = 120;
  look.command = common.called_as;
  const Common usual = default_places();
  if (common.scenarios != usual.scenarios) look.places = {"--scenarios", common.scenarios.string()};
  if (common.pools != usual.pools)
    look.places.insert(look.places.end(), {"--pools", common.pools.string()});
  return look;
}

void print_json(const nlohmann::json& value) {
  std::cout << value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

int stop_descriptor() {
  if (::pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("pipe2 failed");
  struct sigaction action {};
  action.sa_handler = on_stop;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  return stop_pipe[0];
}

Progress::Progress(const Common& common)
    : terminal_(::isatty(STDERR_FILENO) == 1), look_(look_of(STDERR_FILENO, common)) {}

void Progress::show(const std::string& text) {
  std::cerr << (terminal_ ? "\r\033[K" : "") << text << (terminal_ ? "" : "\n") << std::flush;
}

void Progress::asks(const std::string& pool) {
  if (terminal_) show(reports::cut_to(reports::escaped("asking " + pool), look_.columns - 1));
}

void Progress::begins(int done, int total, const std::string& pool, const std::string& scenario,
                      int attempt) {
  const auto known = std::find_if(running_.begin(), running_.end(), [&](const Running& one) {
    return one.pool == pool && one.scenario == scenario;
  });
  if (known == running_.end()) {
    running_.push_back({pool, scenario, attempt});
  } else {
    known->attempt = attempt;
  }
  if (!terminal_) return show(reports::progress(done, total, pool, scenario, attempt, look_));
  // The run that has taken longest is shown; the others are only counted.
  const std::string more =
      running_.size() > 1 ? " and " + std::to_string(running_.size() - 1) + " more" : "";
  const Running& first = running_.front();
  reports::Look narrower = look_;
  narrower.columns -= static_cast<int>(more.size());
  show(reports::progress(done, total, first.pool, first.scenario, first.attempt, narrower) + more);
}

void Progress::ends(const std::string& pool, const std::string& scenario) {
  std::erase_if(running_,
                [&](const Running& one) { return one.pool == pool && one.scenario == scenario; });
}

void Progress::clear() {
  if (terminal_) std::cerr << "\r\033[K" << std::flush;
}

}  // namespace poolproof::cli
