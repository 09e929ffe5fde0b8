#include "conformance/record/record.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <mutex>

#include "conformance/record/integer.h"
#include "conformance/record/nesting.h"
#include "conformance/record/sha256.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 6> kOwnKeys = {"v", "seq", "t_ns", "run", "attempt", "kind"};

// 146 years: the difference of any two times can be computed.
constexpr std::int64_t kLatest_ns = std::int64_t{1} << 62;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // replaces bytes that are not UTF-8

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// The fields are in an order for people; nlohmann's `json` would sort the keys. The line is built
// by hand, because a sweep writes ten thousand lines a second.
std::string line_of(const Observation& observation) {
  std::string line = "{\"v\":1,\"seq\":" + std::to_string(observation.seq) +
                     ",\"t_ns\":" + std::to_string(observation.t_ns);
  if (!observation.run.empty()) line += ",\"run\":" + text_of(observation.run);
  if (observation.attempt != 0) line += ",\"attempt\":" + std::to_string(observation.attempt);
  line += ",\"kind\":" + text_of(observation.kind);
  if (observation.fields.empty()) return line + "}\n";
  std::string fields = text_of(observation.fields);
  fields.front() = ',';
  return line + fields + "\n";
}

template <typename T>
T number_in(const json& line, const char* key, T highest) {
  const auto number = integer_of<T>(line.at(key));
  if (!number || *number < 0 || *number > highest)
    throw RecordError(fmt::format("`{}` is no number from 0 to {}", key, highest));
  return *number;
}

// A field in which something nests deeper than a reader accepts becomes a string.
void flatten(Observation& observation) {
  for (json& field : observation.fields)
    if (std::string text = text_of(field); nests_too_deep(text, kDeepestLine - 1))
      field = std::move(text);
}

Observation observation_of(json line) {
  Observation observation;
  observation.seq = number_in(line, "seq", std::numeric_limits<std::int64_t>::max());
  observation.t_ns = number_in(line, "t_ns", kLatest_ns);
  observation.run = line.value("run", "");
  if (line.contains("attempt"))
    observation.attempt = number_in(line, "attempt", std::numeric_limits<int>::max());
  observation.kind = line.at("kind").get<std::string>();
  for (const char* key : kOwnKeys) line.erase(key);
  observation.fields = std::move(line);
  return observation;
}

// The line as an observation, or the reason why it is none. Only version 1: a later version may
// have another meaning.
std::string read_line(std::string_view text, std::int64_t number, Observation& into) {
  if (nests_too_deep(text, kDeepestLine))
    return fmt::format("it nests deeper than {} levels", kDeepestLine);
  json line = json::parse(text, nullptr, false);
  if (line.is_discarded() || !line.is_object()) return "no JSON object";
  try {
    if (line.at("v") != 1) return "not of version 1";
    into = observation_of(std::move(line));
  } catch (const std::runtime_error& error) {
    return error.what();
  } catch (const json::exception& error) {
    return error.what();
  }
  if (into.seq != number)
    return fmt::format("it says seq {}: lines are missing or added", into.seq);
  return "";
}

}  // namespace

struct RecordWriter::State {
  std::mutex lock;
  std::filesystem::path file;
  int fd = -1;
  std::int64_t lines = 0;
  std::int64_t last_t_ns = 0;
  bool finished = false;
  Sha256 sha;

  // If the kernel does not take a line at once, the rest is written after it. Only a full disk or a
  // signal causes this, and the footer shows what is missing.
  void write(std::string_view line) {
    sha.add(line);
    while (!line.empty()) {
      const ssize_t written = ::write(fd, line.data(), line.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        throw RecordError(
            fmt::format("{}: cannot be written: {}; free some space or choose "
                        "another --out",
                        file.string(), std::strerror(errno)));
      }
      line.remove_prefix(static_cast<std::size_t>(written));
    }
  }
};

RecordWriter::RecordWriter(const std::filesystem::path& file,
                           const std::vector<Observation>& before)
    : state_(std::make_unique<State>()) {
  const auto fail = [&] {
    throw RecordError(fmt::format("{}: cannot be made: {}; choose another --out", file.string(),
                                  std::strerror(errno)));
  };
  const std::filesystem::path begun =
      before.empty() ? file : std::filesystem::path(file.string() + ".begun");
  state_->file = file;
  state_->fd = ::open(begun.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
  if (state_->fd < 0) fail();
  for (const Observation& line : before) append(line);
  if (begun != file && ::rename(begun.c_str(), file.c_str()) != 0) fail();
}

RecordWriter::~RecordWriter() { ::close(state_->fd); }

void RecordWriter::append(Observation observation) {
  const std::lock_guard<std::mutex> one_at_a_time(state_->lock);
  if (state_->finished) {
    throw RecordError(
        fmt::format("{}: `{}` comes after the footer", state_->file.string(), observation.kind));
  }
  if (observation.fields.is_null()) observation.fields = json::object();
  for (const char* key : kOwnKeys) {
    if (observation.fields.contains(key)) {
      throw RecordError(
          fmt::format("{}: `{}` has a field `{}`, a key of the record's own; rename it",
                      state_->file.string(), observation.kind, key));
    }
  }
  observation.seq = state_->lines + 1;
  std::string line = line_of(observation);
  if (nests_too_deep(line, kDeepestLine)) {
    flatten(observation);
    line = line_of(observation);
  }
  state_->write(line);
  ++state_->lines;
  state_->last_t_ns = observation.t_ns;
  // A line reads back unchanged, unless something in it was not UTF-8.
  if (line.find(kReplacement) != std::string::npos) observation = observation_of(json::parse(line));
  if (listener) listener(std::move(observation));
}

void RecordWriter::finish() {
  const json fields = {{"events", state_->lines}, {"sha256", state_->sha.hex()}};
  append({0, state_->last_t_ns, "", 0, "footer", fields});
  state_->finished = true;
}

std::string for_each_line(const std::filesystem::path& file,
                          const std::function<void(Observation)>& each) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    throw RecordError(fmt::format("{}: cannot be read: {}; name the events.ndjson of a run",
                                  file.string(), std::strerror(errno)));
  }
  Sha256 sha;
  std::int64_t number = 1;
  for (std::string line; std::getline(in, line); ++number) {
    if (in.eof()) return fmt::format("line {} is incomplete", number);  // it has no end
    const bool is_last = in.peek() == std::ifstream::traits_type::eof();
    Observation observation;
    const std::string wrong = read_line(line, number, observation);
    if (!wrong.empty() && is_last)
      return fmt::format("line {}, the last, is damaged: {}", number, wrong);
    if (!wrong.empty()) {
      throw RecordError(
          fmt::format("{}:{}: damaged: {}; restore the file, or cut it before this "
                      "line",
                      file.string(), number, wrong));
    }
    if (observation.kind == "footer") {
      const bool matches = observation.fields.value("events", json()) == number - 1 &&
                           observation.fields.value("sha256", json()) == sha.hex();
      if (!matches) return "the footer does not match what stands before it";
      return is_last ? "" : fmt::format("line {} comes after the footer", number + 1);
    }
    sha.add(line);
    sha.add("\n");
    each(std::move(observation));
  }
  return number == 1 ? "the record is empty" : "the footer is missing";
}

Record read_record(const std::filesystem::path& file) {
  Record record;
  record.cut_off = for_each_line(
      file, [&](Observation line) { record.observations.push_back(std::move(line)); });
  return record;
}

}  // namespace poolproof::conformance
