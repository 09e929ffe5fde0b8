// Every stored input, a seed or one that once broke a claim, keeps the claims. And the seeds are
// what their names say.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conformance/judge/oracle.h"
#include "conformance/protocol/protocol.h"
#include "conformance/record/record.h"
#include "executor/transport/frame.h"
#include "fuzz/inputs/claims.h"
#include "fuzz/inputs/record_change.h"
#include "fuzz/inputs/record_input.h"
#include "fuzz/inputs/xml_shape.h"
#include "scenarios/scenario.h"

namespace poolproof {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

std::vector<fs::path> inputs(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(FUZZ_CORPUS) / folder))
    files.push_back(entry.path());
  return files;
}

Bytes read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string text_of(const fs::path& file) {
  const Bytes bytes = read(file);
  return {bytes.begin(), bytes.end()};
}

void each_keeps(const std::string& folder, void (*claims)(fuzz::Input)) {
  for (const fs::path& file : inputs(folder)) {
    SCOPED_TRACE(file);
    claims(read(file));
  }
  EXPECT_GE(inputs(folder).size(), 4U);
}

TEST(Corpus, frames_keep_the_claims) { each_keeps("frames", fuzz::claims_of_frames_hold); }
TEST(Corpus, records_keep_the_claims) { each_keeps("records", fuzz::claims_of_records_hold); }
TEST(Corpus, reports_keep_the_claims) { each_keeps("records", fuzz::claims_of_reports_hold); }
TEST(Corpus, messages_keep_the_claims) { each_keeps("messages", fuzz::claims_of_messages_hold); }
TEST(Corpus, scenarios_keep_the_claims) { each_keeps("scenarios", fuzz::claims_of_scenarios_hold); }

// What libFuzzer does, without it and without luck: the same changes in each run.
TEST(Corpus, changed_records_keep_the_claims) {
  constexpr std::uint32_t kChanges = 40;
  for (const fs::path& file : inputs("records")) {
    std::string text = text_of(file).substr(1);
    for (std::uint32_t seed = 1; seed <= kChanges; ++seed) {
      SCOPED_TRACE(file.string() + ", seed " + std::to_string(seed));
      text = fuzz::changed(text, seed);
      const std::string input = "r" + text;
      const auto* data = reinterpret_cast<const std::uint8_t*>(input.data());
      fuzz::claims_of_records_hold({data, input.size()});
      fuzz::claims_of_reports_hold({data, input.size()});
    }
  }
}

TEST(Corpus, frames_have_a_whole_message_of_every_kind) {
  std::set<transport::FrameKind> kinds;
  for (const fs::path& file : inputs("frames")) {
    const Bytes input = read(file);
    if (input.size() < 2) continue;
    transport::FrameParser parser(1 << 16);
    parser.feed(std::as_bytes(std::span(input).subspan(1)));
    while (const auto frame = parser.next()) kinds.insert(frame->kind);
  }
  EXPECT_EQ(kinds.size(), 9u) << "a kind has no seed: libFuzzer would have to guess its message";
}

// A seed that is refused at the door would leave the code behind it untested.
TEST(Corpus, records_hold_a_pass_a_conviction_and_a_proof) {
  std::set<std::string> statuses;
  for (const fs::path& file : inputs("records")) {
    const fuzz::MemoryFile record(fuzz::record_of(read(file)));
    conformance::RecordJudge judge;
    try {
      conformance::for_each_line(record.path(), [&](auto line) { judge.take(std::move(line)); });
    } catch (const conformance::RecordError&) {  // a seed may be one that is refused
    }
    for (const auto& cell : judge.finish()) statuses.insert(conformance::to_string(cell.status));
  }
  for (const char* status : {"pass", "hang-proven", "wrong-error", "declined"})
    EXPECT_EQ(statuses.count(status), 1U) << status;
}

TEST(Corpus, messages_hold_a_valid_one_of_every_event) {
  std::set<std::string> events;
  for (const fs::path& file : inputs("messages")) {
    nlohmann::json message;
    if (!conformance::read_message(text_of(file), message)) events.insert(message.at("event"));
  }
  EXPECT_EQ(events.size(), 6U) << "hello, opened, settled, resized, closed, refused";
}

TEST(Corpus, scenarios_hold_valid_ones) {
  int valid = 0;
  for (const fs::path& file : inputs("scenarios")) {
    try {
      scenarios::parse_scenario(text_of(file), "death/x", "x.toml");
      ++valid;
    } catch (const scenarios::ScenarioError&) {  // a seed may be one that is refused
    }
  }
  EXPECT_GE(valid, 4);
}

TEST(XmlShape, tells_what_is_wrong) {
  const std::string head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  EXPECT_EQ(fuzz::wrong_in_xml(head + "<a b=\"&lt;&#10;\"><c/>x &amp; y</a>\n"), "");
  for (const char* broken :
       {"<a>", "<a></b>", "<a>&x;</a>", "<a b=\"<\"/>", "<a b=\"1\" b=\"2\"/>", "<a>\x01</a>",
        "<a/><b/>", "<a>]]></a>", "<a b=1/>", "<a>\xef\xbf\xbf</a>", "x<a/>"})
    EXPECT_NE(fuzz::wrong_in_xml(head + broken), "") << broken;
}

}  // namespace
}  // namespace poolproof
