#include "conformance/cli/interview.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <variant>

#include "conformance/cli/message_rules.h"

namespace poolproof::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kStderrKept = std::size_t{16} << 10;

faults::CageOptions cage_options(const Interview::Options& options) {
  faults::CageOptions cage;
  cage.program = options.cage_program;
  cage.command = options.command;
  cage.cwd = std::filesystem::current_path();
  cage.env = conformance::our_environment();
  return cage;
}

std::string text_at(const json& object, const char* key) {
  const auto field = object.find(key);
  return field != object.end() && field->is_string() ? field->get<std::string>() : "";
}

std::string status_words(const json& status) {
  if (status.contains("code")) return "exit status " + std::to_string(status["code"].get<int>());
  if (status.contains("signal")) return "signal " + status["signal"].get<std::string>();
  return "a status that nobody saw";
}

struct InStat {
  int parent = 0;
  std::uint64_t start = 0;
};

std::optional<InStat> stat_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text;
  if (!std::getline(file, text) || text.rfind(')') == std::string::npos) return std::nullopt;
  std::istringstream after(text.substr(text.rfind(')') + 1));
  InStat found;
  std::string word;
  for (int field = 3; after >> word && field <= 22; ++field) {
    if (field == 4) found.parent = std::stoi(word);
    if (field == 22) found.start = std::stoull(word);
  }
  return found;
}

int innermost_pid(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("NSpid:", 0) != 0) continue;
    std::istringstream numbers(line.substr(6));
    int number = 0, last = 0;
    while (numbers >> number) last = number;
    return last;
  }
  return 0;
}

bool descends_from_us(std::string pid) {
  for (int steps = 0; steps < 16; ++steps) {
    const auto stat = stat_of(pid);
    if (!stat || stat->parent == 0) return false;
    if (stat->parent == ::getpid()) return true;
    pid = std::to_string(stat->parent);
  }
  return false;
}

}  // namespace

void Findings::add(std::string where, std::string what, std::string instead) {
  Finding finding{std::move(where), std::move(what), std::move(instead)};
  const bool known = std::any_of(all_.begin(), all_.end(), [&](const Finding& other) {
    return other.what == finding.what && other.instead == finding.instead;
  });
  if (!known) all_.push_back(std::move(finding));
}

Interview::Interview(const Options& options, Findings& findings, std::string about)
    : where(std::move(about)),
      findings_(findings),
      outside_(cage_options(options), options.stop_fd) {}

void Interview::begin() {
  if (!wait([&] { return !ready_.is_null(); })) throw faults::CageError("the cage said nothing");
}

bool Interview::wait(const std::function<bool()>& done, std::chrono::milliseconds limit) {
  const auto until = outside_.now() + limit;
  for (;;) {
    if (done()) return true;
    if (exit_ && !may_end_) {
      const std::string words = last_words();
      find("the adapter's process ended with " + status_words(*exit_) +
               (words.empty() ? "; it said nothing on stderr" : "; last on stderr: " + words),
           "it goes on until `bye`, or until its line ends");
      throw ConversationOver{};
    }
    if (outside_.now() >= until) return false;
    for (const conformance::Event& event : outside_.next(until))
      std::visit([this](const auto& each) { take(each); }, event);
  }
}

void Interview::take(const conformance::AdapterSaid& said) {
  const conformance::AdapterLine::Received& received = said.received;
  ++messages_;
  if (auto wrong = complaint_about_text(received.text)) find(wrong->what, wrong->instead);
  if (received.wrong) {
    find("a message is wrong: " + *received.wrong + "; it was `" + received.text.substr(0, 200) +
             "`",
         "see \"From the adapter\" and \"Outcome\" in conformance/protocol/protocol.md");
    // Nothing after it can be trusted. But the unreadable message may have been an answer.
    if (!received.message.is_object()) throw ConversationOver{};
  } else if (auto more = strict_complaint_about(received.message)) {
    find(more->what, more->instead);
  }
  if (received.message.is_object()) on_event(received.message);
}

void Interview::on_event(const json& event) {
  const std::string name = text_at(event, "event"), cmd = text_at(event, "cmd");
  if (hello_.is_null() && name != "hello" && !(name == "refused" && cmd == "hello"))
    find("its first message is `" + name + "`", "its first message is `hello`, at once");
  if (name == "refused" && cmd == "hello") {
    refusal_of_hello_ = text_at(event, "why");
    return;
  }
  if (name == "hello") {
    if (!hello_.is_null()) find("it said `hello` twice", "it says `hello` once, as it starts");
    hello_ = event;
    return;
  }
  if (name == "settled") {
    const std::string id = text_at(event, "id");
    if (submitted_.count(id) == 0)
      find("`settled` names the task \"" + id + "\", which was never submitted",
           "it names the `id` of the `submit`, as it came");
    if (!outcomes_.emplace(id, event.value("outcome", json::object())).second)
      find("the task " + id + " was settled twice", "each task is told as `settled` once");
    return;
  }
  if (name == "refused" && cmd == "submit") refused_.insert(text_at(event, "id"));
  unheard_.push_back(event);
}

void Interview::take(const conformance::StderrCame& came) {
  stderr_ += came.bytes;
  if (stderr_.size() > kStderrKept) stderr_.erase(0, stderr_.size() - kStderrKept);
}

void Interview::take(const conformance::CageGone& gone) { throw faults::CageError(gone.why); }

void Interview::take(const conformance::CageSaid& said) {
  const json& message = said.message;
  const std::string ev = message.at("ev");
  if (ev == "ready") ready_ = message;
  if (ev == "failed") throw faults::CageError(message.at("why").get<std::string>());
  if (ev == "met")
    meetings_.push_back(
        {message.at("conn"), message.at("pid"), message.at("task"), message.at("point")});
  if (ev == "ledger") ledger_.push_back(message.at("entry"));
  if (ev == "ledger-invalid")
    find("the ledger got what is no line of it: `" + message.at("text").get<std::string>() + "`",
         "each body writes {\"ev\", \"task\", \"pid\", \"t_ns\"} as one JSON object on a line");
  if (ev == "met-invalid")
    find("a body came to the rendezvous and said no meeting: " +
             message.at("why").get<std::string>(),
         "it writes {\"task\", \"point\"} and a newline");
  if (ev == "process") snapshots_[message.at("snap")].push_back(message);
  if (ev == "snapshot") snapshots_whole_.insert(message.at("snap").get<int>());
  if (ev == "exit" && message.at("adapter").get<bool>()) exit_ = message.at("status");
}

void Interview::send(const json& command) { outside_.send(command); }

void Interview::send_text(const std::string& text) { outside_.send_text(text); }

void Interview::hang_up() { outside_.hang_up(); }

std::optional<json> Interview::await(const std::string& event, const std::string& cmd,
                                     const std::string& after) {
  const auto fits = [&](const json& heard) {
    return text_at(heard, "event") == event && (event != "refused" || text_at(heard, "cmd") == cmd);
  };
  // A refusal is also an answer, although not the right one.
  const auto is_answer = [&](const json& heard) {
    return fits(heard) || (text_at(heard, "event") == "refused" && text_at(heard, "cmd") == cmd);
  };
  const bool came =
      wait([&] { return std::any_of(unheard_.begin(), unheard_.end(), is_answer); }, kAnswers);
  const auto heard = std::find_if(unheard_.begin(), unheard_.end(), is_answer);
  if (!came || heard == unheard_.end()) {
    std::string others;
    for (const json& other : unheard_) others += (others.empty() ? "" : ", ") + other.dump();
    find("after " + after + " nothing came within 10 s" + (others.empty() ? "" : " but " + others),
         event == "refused" ? "what cannot be done is answered with {\"event\": \"refused\", "
                              "\"cmd\": \"" +
                                  cmd + "\", \"why\": \"...\"}"
                            : "it is answered with {\"event\": \"" + event + "\"}");
    return std::nullopt;
  }
  const json answer = *heard;
  unheard_.erase(heard);
  if (!fits(answer)) {
    find(after + " was refused: " + text_at(answer, "why"),
         "it is answered with {\"event\": \"" + event + "\"}");
    return std::nullopt;
  }
  return answer;
}

std::optional<json> Interview::ask(const json& command, const std::string& event) {
  send(command);
  return await(event, command.value("cmd", ""), "`" + command.dump() + "`");
}

std::string Interview::next_id() const { return "q" + std::to_string(next_id_); }

json Interview::addresses() const {
  return {{"ledger", ready_.at("ledger")}, {"rendezvous", ready_.at("rendezvous")}};
}

std::string Interview::submit(const std::string& body, json args, const json& more) {
  const std::string id = next_id();
  ++next_id_;
  args.update(addresses());
  json command = {{"cmd", "submit"}, {"id", id}, {"body", body}, {"args", std::move(args)}};
  command.update(more);
  submitted_.insert(id);
  if (more.contains("on_done") && more["on_done"].contains("id")) {
    submitted_.insert(more["on_done"]["id"].get<std::string>());
    ++next_id_;
  }
  send(command);
  return id;
}

const json* Interview::outcome(const std::string& id) const {
  const auto found = outcomes_.find(id);
  return found == outcomes_.end() ? nullptr : &found->second;
}

bool Interview::refused(const std::string& id) const { return refused_.count(id) > 0; }

Standing* Interview::standing(const std::string& id, const std::string& point) {
  for (Standing& meeting : meetings_)
    if (meeting.task == id && meeting.point == point && !meeting.answered) return &meeting;
  return nullptr;
}

void Interview::answer(Standing& meeting, const json& what_to_do) {
  meeting.answered = true;
  outside_.answer(meeting.conn, what_to_do);
}

const json* Interview::entry(const std::string& id, const std::string& ev) const {
  for (const json& line : ledger_)
    if (text_at(line, "task") == id && text_at(line, "ev") == ev) return &line;
  return nullptr;
}

int Interview::written(const std::string& id, const std::string& ev) const {
  return static_cast<int>(std::count_if(ledger_.begin(), ledger_.end(), [&](const json& line) {
    return text_at(line, "task") == id && text_at(line, "ev") == ev;
  }));
}

std::vector<json> Interview::processes() {
  const int number = ++snapshots_asked_;
  outside_.snapshot(number);
  if (!wait([&] { return snapshots_whole_.count(number) > 0; }))
    throw faults::CageError("the cage took no snapshot within 10 s");
  return snapshots_[number];
}

std::optional<int> Interview::outer_pid(int pid) const {
  const json& adapter = ready_.at("adapter");
  for (const auto& folder : std::filesystem::directory_iterator("/proc")) {
    const std::string name = folder.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto stat = stat_of(name);
    if (stat && stat->start == adapter.at("start") && innermost_pid(name) == pid &&
        descends_from_us(name))
      return std::stoi(name);
  }
  return std::nullopt;
}

bool Interview::can(const std::string& capability) const {
  const json all = hello_.is_object() ? hello_.value("capabilities", json::array()) : json::array();
  return std::find(all.begin(), all.end(), capability) != all.end();
}

std::string Interview::last_words() const {
  std::string text = stderr_;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const std::size_t line = text.rfind('\n');
  return line == std::string::npos ? text : text.substr(line + 1);
}

}  // namespace poolproof::cli
