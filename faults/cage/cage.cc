#include "faults/cage/cage.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "faults/cage/fd.h"
#include "faults/cage/limit_cgroup.h"
#include "faults/program.h"

namespace poolproof::faults {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestPacket = 65536;
constexpr std::size_t kEnvChunk = 32768;  // of names and values, before they are escaped as JSON
// The keeper always reads: if sending takes longer, it is lost.
constexpr int kSendLimit_ms = 10'000;
constexpr int kEndLimit_ms = 10'000;  // for the guard to kill everything inside
constexpr int kAboveTargets = 10;     // our ends get numbers above the guard's fds 3, 4 and 5

[[noreturn]] void fail(const std::string& call, const std::string& fix) {
  throw CageError(call + ": " + errno_text(errno) + "; " + fix);
}

// Moves the guard's end above the numbers that it will get, so that no dup2 there overwrites a
// source.
Fd lifted(int fd) {
  Fd above(::fcntl(fd, F_DUPFD_CLOEXEC, kAboveTargets));
  if (!above) fail("fcntl F_DUPFD_CLOEXEC", "raise the limit of open files (ulimit -n)");
  return above;
}

void check_program(const std::filesystem::path& program) {
  if (::access(program.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(program)) return;
  if (errno == 0) errno = EACCES;
  fail("the cage program " + program.string() + " cannot be run",
       "build the target poolproof_cage, or name the program where it is");
}

std::string describe(int wait_status) {
  if (WIFSIGNALED(wait_status))
    return "its guard was killed by signal " + std::to_string(WTERMSIG(wait_status));
  return "its guard ended with status " + std::to_string(WEXITSTATUS(wait_status)) +
         (WEXITSTATUS(wait_status) == 0 ? "" : ", see the lines of poolproof_cage on stderr");
}

}  // namespace

struct Cage::State {
  Fd socket;
  Fd line;
  Fd errors;
  pid_t guard = 0;
  std::optional<int> guard_status;  // as waitpid returns it
  std::vector<std::string> groups;  // cgroups inside, in case the guard was killed

  void launch(const CageOptions& options);
  void start(const CageOptions& options);
  void send(const json& command);
  bool await_end(int limit_ms);
  void reap_guard();
};

void Cage::State::launch(const CageOptions& options) {
  const char* const more = "raise the limit of open files (ulimit -n)";
  std::array<int, 2> pair;
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0)
    fail("socketpair", more);
  socket = Fd(pair[0]);
  const Fd guards_socket(pair[1]);
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0)
    fail("socketpair", more);
  line = Fd(pair[0]);
  const Fd adapters_line(pair[1]);
  if (::pipe2(pair.data(), O_CLOEXEC) != 0) fail("pipe2", more);
  errors = Fd(pair[0]);
  const Fd adapters_errors(pair[1]);
  for (const Fd* ours : {&socket, &line, &errors})
    if (::fcntl(ours->get(), F_SETFL, ::fcntl(ours->get(), F_GETFL) | O_NONBLOCK) != 0)
      fail("fcntl O_NONBLOCK", more);

  const Fd first = lifted(guards_socket.get());
  const Fd second = lifted(adapters_line.get());
  const Fd third = lifted(adapters_errors.get());
  std::vector<std::string> arguments = {std::filesystem::absolute(options.program).string(),
                                        "--parent", std::to_string(::getpid())};
  if (!options.namespaces) arguments.emplace_back("--no-namespaces");
  // The numbers are those of protocol.md.
  const StartedProgram started = start_program(
      {std::move(arguments), {{first.get(), 3}, {second.get(), 4}, {third.get(), 5}}});
  guard = started.pid;
  if (started.error == 0) return;
  throw CageError("the cage program " + options.program.string() + " cannot be started: " +
                  errno_text(started.error) + "; build the target poolproof_cage");
}

// An environment may be larger than a packet: all parts except the last are sent before `start`.
void Cage::State::start(const CageOptions& options) {
  json env = json::object();
  std::size_t size = 0;
  for (const auto& [name, value] : options.env) {
    if (size > 0 && size + name.size() + value.size() > kEnvChunk) {
      send({{"cmd", "env"}, {"env", std::exchange(env, json::object())}});
      size = 0;
    }
    env[name] = value;
    size += name.size() + value.size();
  }
  const auto cwd = options.cwd.empty() ? std::filesystem::current_path()
                                       : std::filesystem::absolute(options.cwd);
  json command = {{"cmd", "start"},
                  {"argv", options.command},
                  {"cwd", cwd.string()},
                  {"env", std::move(env)},
                  {"deadline_ms", options.deadline.count()}};
  if (options.trace) command["trace"] = *options.trace;
  send(command);
}

void Cage::State::send(const json& command) {
  std::string packet;
  try {
    packet = command.dump();
  } catch (const json::exception& error) {
    throw CageError(std::string("a command to the cage is no valid UTF-8: ") + error.what() +
                    "; fix the adapter's command or environment");
  }
  if (packet.size() > kLargestPacket)
    throw CageError("a command to the cage has " + std::to_string(packet.size()) +
                    " bytes, at most 65536 fit; shorten the adapter's arguments or the largest "
                    "variable of its environment");
  while (::send(socket.get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0) {
    if (errno == EPIPE || errno == ECONNRESET) return;  // the cage has ended: receive() reports it
    if (errno != EAGAIN && errno != EINTR) fail("send to the cage", "report this as a bug");
    pollfd room = {socket.get(), POLLOUT, 0};
    if (::poll(&room, 1, kSendLimit_ms) == 0)
      throw CageError("the cage takes no command for 10 s; end this Cage and start another");
  }
}

// Waits for EOF of the pair: guard and keeper have both ended. False: not within the limit.
bool Cage::State::await_end(int limit_ms) {
  char dropped = 0;  // the rest of each packet is dropped with it
  while (true) {
    const ssize_t got = ::recv(socket.get(), &dropped, sizeof dropped, MSG_DONTWAIT);
    if (got > 0 || (got < 0 && (errno == EINTR || errno == ECONNRESET))) continue;
    if (got == 0) return true;
    if (errno != EAGAIN) return false;
    pollfd more = {socket.get(), POLLIN, 0};
    if (::poll(&more, 1, limit_ms) == 0) return false;
  }
}

void Cage::State::reap_guard() {
  if (guard == 0 || guard_status) return;
  int status = 0;
  while (::waitpid(guard, &status, 0) < 0)
    if (errno != EINTR) break;  // reaped elsewhere: its end is certain, its status is not
  guard_status = status;
}

Cage::Cage(const CageOptions& options) : state_(std::make_unique<State>()) {
  errno = 0;
  check_program(options.program);
  if (options.command.empty())
    throw CageError("the adapter's command is empty; name its program and arguments");
  state_->launch(options);
  try {
    state_->start(options);
  } catch (const CageError&) {
    ::shutdown(state_->socket.get(), SHUT_WR);
    state_->await_end(kEndLimit_ms);
    state_->reap_guard();
    throw;
  }
}

Cage::~Cage() {
  state_->line.reset();
  state_->errors.reset();
  ::shutdown(state_->socket.get(), SHUT_WR);  // the guard then acts as if we had died
  if (!state_->await_end(kEndLimit_ms) && !state_->guard_status) ::kill(state_->guard, SIGKILL);
  state_->reap_guard();
  // In a namespace the keeper ends when the guard ends. Then only this process is left to remove
  // them.
  for (const std::string& group : state_->groups) remove_cgroup(group);
}

int Cage::fd() const { return state_->socket.get(); }
int Cage::line_fd() const { return state_->line.get(); }
int Cage::stderr_fd() const { return state_->errors.get(); }

int Cage::guard() const { return state_->guard; }

std::optional<json> Cage::receive() {
  thread_local std::vector<char> buffer(kLargestPacket);
  while (true) {
    const ssize_t got = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
    // ECONNRESET: it ended without reading one of our commands. Its earlier messages can still be
    // read.
    if (got < 0 && (errno == EINTR || errno == ECONNRESET)) continue;
    if (got < 0 && errno == EAGAIN) return std::nullopt;
    if (got < 0) fail("recv from the cage", "report this as a bug");
    if (got == 0) {
      state_->reap_guard();  // it holds an end of the pair: EOF means that it has ended
      throw CageError("the cage ended: " + describe(*state_->guard_status));
    }
    if (static_cast<std::size_t>(got) > buffer.size())
      throw CageError("the cage sent a packet of " + std::to_string(got) +
                      " bytes; cage and "
                      "harness are not of one build: build both");
    json message = json::parse(buffer.begin(), buffer.begin() + got, nullptr, false);
    if (!message.is_object())
      throw CageError(
          "the cage sent no JSON object; cage and harness are not of one build: "
          "build both");
    if (message.contains("group") && message["group"].is_string())
      state_->groups.push_back(message["group"]);
    return message;
  }
}

void Cage::answer(int conn, const json& what_to_do) {
  state_->send({{"cmd", "answer"}, {"conn", conn}, {"do", what_to_do}});
}

void Cage::signal_group(const std::string& signal) {
  state_->send({{"cmd", "signal-group"}, {"signal", signal}});
}

void Cage::signal(int pid, unsigned long long start, const std::string& signal) {
  state_->send({{"cmd", "signal"}, {"pid", pid}, {"start", start}, {"signal", signal}});
}

void Cage::limit(int number, int pid, unsigned long long start, const std::string& what,
                 bool room) {
  state_->send({{"cmd", "limit"},
                {"limit", number},
                {"pid", pid},
                {"start", start},
                {"what", what},
                {"room", room}});
}

void Cage::probe_limits() { state_->send({{"cmd", "probe-limits"}}); }
void Cage::lift() { state_->send({{"cmd", "lift"}}); }

void Cage::snapshot(int number) { state_->send({{"cmd", "snapshot"}, {"snap", number}}); }
void Cage::activity(int number) { state_->send({{"cmd", "activity"}, {"n", number}}); }
void Cage::ping(int number) { state_->send({{"cmd", "ping"}, {"n", number}}); }
void Cage::mark(const std::string& word) { state_->send({{"cmd", "mark"}, {"word", word}}); }
void Cage::end() { state_->send({{"cmd", "end"}}); }

namespace {

// The first message of a cage in which /bin/true is the adapter: `ready`, with the `limits` that
// may be set there, or `failed`.
json first_word(const std::filesystem::path& program, const std::optional<Trace>& trace) {
  CageOptions options;
  options.program = program;
  options.command = {"/bin/true"};
  options.cwd = "/";
  options.trace = trace;
  Cage cage(options);
  json ready;
  while (true) {
    pollfd news = {cage.fd(), POLLIN, 0};
    if (::poll(&news, 1, kEndLimit_ms) == 0)
      throw CageError("the cage said nothing for 10 s; see the lines of poolproof_cage on stderr");
    const auto message = cage.receive();
    if (!message) continue;
    const std::string ev = message->at("ev");
    if (ev == "failed") return *message;
    if (ev == "ready") {
      ready = *message;
      cage.probe_limits();
    }
    if (ev != "limits") continue;
    ready["limits"] = message->at("why_not");
    return ready;
  }
}

}  // namespace

Doors probe_doors(const std::filesystem::path& program) {
  Doors doors;
  json word = first_word(program, Trace{calls_of_a_sweep()});
  if (word.at("ev") == "failed") {
    doors.no_syscalls = word.at("why");
    word = first_word(program, std::nullopt);
  }
  if (word.at("ev") == "failed")
    throw CageError("the cage cannot start /bin/true: " + word.at("why").get<std::string>());
  doors.mode = word.at("mode");
  doors.mounts = word.at("mounts");
  doors.why = word.at("why");
  doors.no_limits = word.at("limits").get<std::map<std::string, std::string>>();
  return doors;
}

}  // namespace poolproof::faults
