// The "adapter" of the cage's tests. It does what each packet on its line says, and answers with
// one packet. By its last argument, a token, the tests find its processes from outside.
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

#include "faults/cage/cage_test_needs.h"
#include "faults/cage/cage_test_sockets.h"

// One message in shared memory, as a transport would write it: the payload, then the commit.
struct Ring {
  volatile int payload[4];
  volatile int committed;
};

// Between these two places a worker is struck at every store.
extern "C" {
[[gnu::noinline]] void ring_push(Ring* ring) {
  for (int i = 0; i < 4; ++i) ring->payload[i] = i + 1;
  ring->committed = 0;  // changes nothing, so it is not a store
  ring->committed = 1;
}
[[gnu::noinline]] void ring_pushed() { asm volatile(""); }
}

namespace {

std::string g_ledger;
Ring* g_ring = nullptr;
std::string g_meet;

void say(const std::string& text) {
  if (::write(1, text.data(), text.size()) < 0) ::_exit(90);
}

[[noreturn]] void sleep_for_ever() {
  while (true) ::pause();
}

int connect_to_meet() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  g_meet.copy(address.sun_path, sizeof address.sun_path - 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) ::_exit(91);
  return socket;
}

std::string read_line(int fd) {
  std::string line;
  char byte = 0;
  while (::read(fd, &byte, 1) == 1 && byte != '\n') line += byte;
  return line;
}

void write_ledger(const std::string& line) {
  const int fifo = ::open(g_ledger.c_str(), O_WRONLY | O_CLOEXEC);
  if (fifo < 0 || ::write(fifo, line.data(), line.size()) < 0) ::_exit(92);
  ::close(fifo);
}

bool told(const std::string& answer, const char* what) {
  return answer.find(what) != std::string::npos;
}

int number_in(const std::string& answer) {
  const auto at = answer.find_first_of("0123456789");
  return at == std::string::npos ? 0 : std::atoi(answer.c_str() + at);
}

constexpr std::size_t kMebibyte = 1 << 20;
constexpr int kHadItAll = 50, kRefused = 51;  // exit statuses

int eat_memory() {
  for (int i = 0; i < 1024; ++i) {
    void* more =
        ::mmap(nullptr, kMebibyte, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (more == MAP_FAILED) return kRefused;
    std::memset(more, 'x', kMebibyte);
  }
  return kHadItAll;
}

int open_files() {
  for (int i = 0; i < 4096; ++i)
    if (::open("/dev/null", O_RDONLY) < 0) return errno == EMFILE ? kRefused : 52;
  return kHadItAll;
}

int grow_a_file() {
  ::signal(SIGXFSZ, SIG_IGN);
  const int file = ::open(std::getenv("TMPDIR"), O_TMPFILE | O_WRONLY, 0600);
  const std::string chunk(kMebibyte, 'x');
  for (int i = 0; i < 64; ++i)
    if (::write(file, chunk.data(), chunk.size()) < 0) return errno == EFBIG ? kRefused : 53;
  return kHadItAll;
}

int touch_shared_memory() {
  const int file = ::open("/dev/shm", O_TMPFILE | O_RDWR, 0600);
  if (file < 0 || ::ftruncate(file, 64 * kMebibyte) != 0) return 54;
  void* mapped = ::mmap(nullptr, 64 * kMebibyte, PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) return 55;
  std::memset(mapped, 'x', 64 * kMebibyte);
  return kHadItAll;
}

// Uses up the resource that it is told to, and returns an exit status that says how that ended.
int exhaust(const std::string& answer) {
  if (told(answer, "shared-memory")) return touch_shared_memory();
  if (told(answer, "memory")) return eat_memory();
  if (told(answer, "file-size")) return grow_a_file();
  return open_files();
}

// A task's body: ledger and meeting, as told.
[[noreturn]] void run_body(const std::string& task) {
  write_ledger("{\"ev\":\"start\",\"task\":\"" + task + "\",\"pid\":" + std::to_string(getpid()) +
               ",\"t_ns\":1}\n");
  const int socket = connect_to_meet();
  const std::string line = "{\"task\":\"" + task + "\",\"point\":\"running\"}\n";
  if (::write(socket, line.data(), line.size()) < 0) ::_exit(93);
  const std::string answer = read_line(socket);
  ::close(socket);
  if (answer.empty()) ::_exit(1);
  if (told(answer, "exit")) ::_exit(number_in(answer));
  if (told(answer, "SEGV")) ::raise(SIGSEGV);
  if (told(answer, "exhaust")) ::_exit(exhaust(answer));
  if (told(answer, "sleep")) sleep_for_ever();
  write_ledger("{\"ev\":\"end\",\"task\":\"" + task + "\",\"pid\":" + std::to_string(getpid()) +
               ",\"t_ns\":2}\n");
  ::_exit(0);
}

// The tracer's tests strike this. Inside a body it writes 64 bytes to a pipe and reads them. After
// the body it makes a writev of 10 and 90 bytes, and a read. Then it reports how many bytes each of
// the four calls moved (or minus errno), and ends with status 7.
[[noreturn]] void talk(const std::string& task) {
  std::array<int, 2> pipe;
  if (::pipe(pipe.data()) != 0) ::_exit(98);
  std::array<char, 100> bytes{};
  std::string told = "talked";
  const auto tell = [&](ssize_t moved) {
    told += " " + std::to_string(moved < 0 ? -errno : static_cast<int>(moved));
  };
  const std::string line = "\"task\":\"" + task + "\",\"pid\":1,\"t_ns\":1}\n";
  write_ledger("{\"ev\":\"start\"," + line);
  tell(::write(pipe[1], bytes.data(), 64));
  tell(::read(pipe[0], bytes.data(), 64));
  write_ledger("{\"ev\":\"end\"," + line);
  const std::array<iovec, 2> parts = {{{bytes.data(), 10}, {bytes.data() + 10, 90}}};
  tell(::writev(pipe[1], parts.data(), 2));
  tell(::read(pipe[0], bytes.data(), 100));
  say(told);
  ::_exit(7);
}

[[noreturn]] void push() {
  const int null = ::eventfd(0, EFD_CLOEXEC);
  const std::uint64_t one = 1;
  if (::write(null, &one, sizeof one) < 0) ::_exit(99);
  ring_push(g_ring);
  ring_pushed();
  if (::write(null, &one, sizeof one) < 0) ::_exit(99);
  say("pushed");
  ::_exit(0);
}

void make_pipe() {
  std::array<int, 2> ends;
  const bool made = ::pipe2(ends.data(), O_CLOEXEC) == 0;
  say(made ? "made" : std::string("not made: ") + std::strerror(errno));
  if (made) ::close(ends[0]), ::close(ends[1]);
}

void make_ring() {
  void* const memory =
      ::mmap(nullptr, sizeof(Ring), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_ring = static_cast<Ring*>(memory);
  say("ok");
}

std::string ring_words() {
  std::string words;
  for (const volatile int& word : g_ring->payload) words += std::to_string(word);
  return words + " " + std::to_string(g_ring->committed);
}

template <typename Child>
void fork_one(const std::string& name, const Child& child) {
  const pid_t pid = ::fork();
  if (pid == 0) child();
  say(name + " " + std::to_string(pid));
}

void make_zombie() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(7);
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);  // it is not reaped
  say("zombie " + std::to_string(pid));
}

// A body whose own child holds a copy of the connection: so the connection stays open when the body
// dies.
[[noreturn]] void run_held_body(const std::string& task) {
  const int socket = connect_to_meet();
  if (::fork() == 0) sleep_for_ever();
  const std::string line = "{\"task\":\"" + task + "\",\"point\":\"running\"}\n";
  if (::write(socket, line.data(), line.size()) < 0) ::_exit(97);
  sleep_for_ever();
}

// The first thread ends and another one continues: /proc shows this process as a zombie.
[[noreturn]] void lose_first_thread() {
  pthread_t other;
  ::pthread_create(
      &other, nullptr, [](void*) -> void* { sleep_for_ever(); }, nullptr);
  ::pthread_exit(nullptr);
}

void make_daemon() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) ::_exit(94);
  const pid_t middle = ::fork();
  if (middle == 0) {
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    ::setsid();
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::write(ends[1], pid.data(), pid.size()) < 0) ::_exit(95);
    for (const int signal : {SIGTERM, SIGHUP, SIGINT}) ::signal(signal, SIG_IGN);
    sleep_for_ever();
  }
  ::waitpid(middle, nullptr, 0);
  ::close(ends[1]);
  say("daemon " + read_line(ends[0]));
}

std::string own_descriptors() {
  std::string list;
  DIR* directory = ::opendir("/proc/self/fd");
  while (const dirent* entry = ::readdir(directory))
    if (entry->d_name[0] != '.' && std::atoi(entry->d_name) != ::dirfd(directory))
      list += std::string(list.empty() ? "" : " ") + entry->d_name;
  ::closedir(directory);
  return list;
}

std::string unusual_signals() {
  std::string list;
  sigset_t blocked;
  ::sigprocmask(SIG_SETMASK, nullptr, &blocked);
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action;
    if (::sigaction(signal, nullptr, &action) != 0) continue;
    if (sigismember(&blocked, signal) == 1 || action.sa_handler != SIG_DFL)
      list += " " + std::to_string(signal);
  }
  return list;
}

void make_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  say(file >= 0 ? "made" : std::string("not made: ") + std::strerror(errno));
  ::close(file);
}

// Sends something to the rendezvous that need not be a line, and waits for the end.
void say_at_meet(const std::string& text) {
  const int socket = connect_to_meet();
  if (::write(socket, text.data(), text.size()) < 0) ::_exit(96);
  say(read_line(socket).empty() ? "closed" : "answered");
  ::close(socket);
}

// A chain of processes: each one forks the next one and ends. None of them exists for long.
void make_runner() {
  const pid_t pid = ::fork();
  if (pid == 0)
    while (true)
      if (::fork() > 0) ::_exit(0);
  say("runs");
}

[[noreturn]] void flood_for_ever() {
  const int fifo = ::open(g_ledger.c_str(), O_WRONLY | O_CLOEXEC);
  const std::string lines(4096, '\n');
  while (::write(fifo, lines.data(), lines.size()) > 0) {
  }
  ::_exit(0);
}

void make_children(int count) {
  for (int i = 0; i < count; ++i)
    if (::fork() == 0) sleep_for_ever();
  say("made");
}

void open_many(int count) {
  for (int i = 0; i < count; ++i)
    if (::dup(2) < 0) return say("too many");
  say("opened");
}

void hear(const std::string& packet) {
  std::istringstream in(packet);
  std::string word;
  std::string first;
  std::string second;
  in >> word >> first >> second;
  const std::string rest = packet.size() > word.size() ? packet.substr(word.size() + 1) : "";
  if (word == "paths") g_ledger = first, g_meet = second, say("ok");
  if (word == "worker") fork_one("worker", [&] { run_body(first); });
  if (word == "talk" && ::fork() == 0) talk(first);
  if (word == "pipe") make_pipe();
  if (word == "ring") make_ring();
  if (word == "push" && ::fork() == 0) push();
  if (word == "look") say(ring_words());
  if (word == "exec" && ::fork() == 0) ::execl("/bin/sh", "sh", "-c", "exit 12", nullptr);
  if (word == "held") fork_one("held", [&] { run_held_body(first); });
  if (word == "sleeper") fork_one("sleeper", [] { sleep_for_ever(); });
  if (word == "drowsy")
    fork_one("drowsy", [] {
      for (;;) ::sleep(1000);
    });
  if (word == "zombie") make_zombie();
  if (word == "leaderless") fork_one("leaderless", [] { lose_first_thread(); });
  if (word == "children") make_children(std::atoi(first.c_str()));
  if (word == "daemon") make_daemon();
  if (word == "runner") make_runner();
  if (word == "open") open_many(std::atoi(first.c_str()));
  if (word == "join-a-group") say(joins_a_group(first));
  if (word == "can-be-born") say(can_be_born());
  if (word == "can-be-opened") say(can_be_opened());
  if (word == "can-be-started") say(can_be_started());
  if (word == "sockets") say(open_sockets(first));
  if (word == "autoreap") ::signal(SIGCHLD, SIG_IGN), say("ok");
  if (word == "reap") say("reaped " + std::to_string(::waitpid(-1, nullptr, 0)));
  if (word == "file") make_file(std::string(std::getenv("TMPDIR")) + "/" + first);
  if (word == "make") make_file(first);
  if (word == "folder") say(::mkdir(first.c_str(), 0700) == 0 ? "made" : "not made");
  if (word == "see") say(::access(first.c_str(), R_OK) == 0 ? "yes" : "no");
  if (word == "env") say(std::getenv(first.c_str()) != nullptr ? std::getenv(first.c_str()) : "");
  if (word == "cwd") say(std::string(::getcwd(std::array<char, 4096>().data(), 4096)));
  if (word == "fds") say(own_descriptors());
  if (word == "signals") say("unusual:" + unusual_signals());
  if (word == "session") say(::getsid(0) == ::getpid() ? "own" : "shared");
  if (word == "ledger") write_ledger(rest + "\n"), say("ok");
  if (word == "ledger-torn") write_ledger(std::string(5000, 'z')), say("ok");
  if (word == "flood") {
    for (int i = 0; i < std::atoi(first.c_str()); ++i) write_ledger("{\"ev\":\"flood\"}\n");
    say("flooded");
  }
  if (word == "flood-on") fork_one("flood-on", [] { flood_for_ever(); });
  if (word == "meet") say_at_meet(rest + "\n");
  if (word == "meet-torn") say_at_meet(std::string(5000, 'x'));
  if (word == "stderr") say(::write(2, rest.data(), rest.size()) > 0 ? "ok" : "no");
  if (word == "kill-keeper") ::kill(::getppid(), SIGKILL);
  if (word == "exit") ::_exit(std::atoi(first.c_str()));
}

}  // namespace

int main(int argc, char** argv) {
  const rlimit no_core = {0, 0};  // a SIGSEGV here is intended
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (argc > 1) ::prctl(PR_SET_NAME, "cage_body", 0, 0, 0);
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = ::read(0, buffer.data(), buffer.size());
    if (got <= 0) return 0;  // the harness is gone
    hear(std::string(buffer.data(), static_cast<std::size_t>(got)));
  }
  static_cast<void>(argv);
}
