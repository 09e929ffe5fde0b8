#include "conformance/record/record.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>
#include <thread>
#include <vector>

#include "conformance/judge/staged_attempt.h"
#include "conformance/record/nesting.h"

namespace poolproof::conformance {
namespace {

using namespace staged;  // NOLINT: this file is about what is staged
using nlohmann::json;

class RecordTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/poolproof_record_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    file_ = folder_ / "events.ndjson";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string bytes() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write_bytes(const std::string& text) const {
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << text;
  }
  void write_record(const Lines& lines) const {
    RecordWriter writer(file_);
    for (const Observation& one : lines) writer.append(one);
    writer.finish();
  }
  // A cell line, then one correct attempt.
  static Lines whole_run() {
    Lines lines = healthy(killed_plan());
    Observation cell =
        line("cell", {{"pool", "staged"}, {"scenario", "death/killed_while_running"}}, 0);
    cell.attempt = 0;
    lines.insert(lines.begin(), cell);
    return lines;
  }

  std::filesystem::path folder_, file_;
};

TEST_F(RecordTest, what_was_written_is_read_again) {
  Lines written;
  {
    RecordWriter writer(file_);
    writer.listener = [&](const Observation& line) { written.push_back(line); };
    for (const Observation& one : whole_run()) writer.append(one);
    writer.finish();
    EXPECT_EQ(written.back().kind, "footer");
    written.pop_back();
  }
  const Record record = read_record(file_);
  EXPECT_EQ(record.cut_off, "");
  EXPECT_EQ(record.cut_off, "");
  EXPECT_EQ(record.observations, written) << "the listener is told what a reader will see";
}

TEST_F(RecordTest, a_stored_run_is_judged_as_it_was) {
  const Lines lines = whole_run();
  write_record(lines);
  EXPECT_EQ(judge_record(read_record(file_).observations), judge_record(lines));
  EXPECT_EQ(judge_record(lines).at(0).status, Status::kPass);
}

TEST_F(RecordTest, a_record_goes_on_with_what_stands_of_an_earlier_one) {
  write_record(whole_run());
  Lines kept = read_record(file_).observations;
  kept.resize(5);  // as after a cut: fewer lines, and no footer
  {
    RecordWriter writer(file_, kept);
    EXPECT_EQ(read_record(file_).observations, kept) << "it is there at once";
    writer.append(line("resumed", {}, 9));
    writer.finish();
  }
  const Record record = read_record(file_);
  EXPECT_EQ(record.cut_off, "");
  ASSERT_EQ(record.observations.size(), 6U);
  EXPECT_EQ(record.observations.back().kind, "resumed");
  EXPECT_EQ(record.observations.back().seq, 6);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(RecordTest, a_line_reads_well_and_counts_from_one) {
  {
    RecordWriter writer(file_);
    writer.append(line("step", {{"index", 0}, {"state", "begin"}}, 2));
    writer.append({0, 5, "", 0, "header", json{{"tool", "poolproof"}}});
  }
  EXPECT_EQ(bytes(),
            "{\"v\":1,\"seq\":1,\"t_ns\":2000000,\"run\":\"staged:death/killed_while_running\","
            "\"attempt\":1,\"kind\":\"step\",\"index\":0,\"state\":\"begin\"}\n"
            "{\"v\":1,\"seq\":2,\"t_ns\":5,\"kind\":\"header\",\"tool\":\"poolproof\"}\n");
}

TEST_F(RecordTest, many_threads_write_one_sequence_and_each_line_is_told_in_its_order) {
  constexpr int kThreads = 4, kLines = 200;
  std::vector<std::int64_t> told;
  {
    RecordWriter writer(file_);
    writer.listener = [&](const Observation& line) { told.push_back(line.seq); };
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&writer, t] {
        const std::string run = "pool:" + std::to_string(t);
        for (int n = 1; n <= kLines; ++n) writer.append({0, n, run, 1, "line", {{"n", n}}});
      });
    for (std::thread& thread : threads) thread.join();
    writer.finish();
  }
  const Record record = read_record(file_);  // it reads nothing whose `seq` is out of order
  EXPECT_EQ(record.cut_off, "");
  ASSERT_EQ(record.observations.size(), static_cast<std::size_t>(kThreads * kLines));
  std::map<std::string, int> last;
  for (const Observation& line : record.observations)
    EXPECT_EQ(line.fields.at("n"), ++last[line.run]) << "each thread's lines keep their order";
  ASSERT_EQ(told.size(), record.observations.size() + 1);
  for (std::size_t i = 0; i < told.size(); ++i) EXPECT_EQ(told[i], static_cast<int>(i) + 1);
}

TEST_F(RecordTest, each_line_is_there_as_soon_as_append_returns) {
  RecordWriter writer(file_);
  writer.append(line("step", {{"index", 0}}, 2));
  EXPECT_EQ(read_record(file_).observations.size(), 1u);
  EXPECT_EQ(read_record(file_).cut_off, "the footer is missing");
}

TEST_F(RecordTest, invalid_utf8_is_replaced_and_never_thrown_on) {
  {
    RecordWriter writer(file_);
    std::string seen;
    writer.listener = [&](const Observation& told) { seen = told.fields.value("text", ""); };
    writer.append(line("invalid", {{"text", "a\xff\xfe\x80z"}, {"why", "no"}}, 1));
    EXPECT_NE(seen.find("\xef\xbf\xbd"), std::string::npos);
    writer.finish();
  }
  EXPECT_EQ(read_record(file_).cut_off, "");
}

TEST_F(RecordTest, unknown_kinds_and_fields_are_kept_and_change_no_verdict) {
  Lines lines = whole_run();
  insert_before(lines, settles("t5"), line("weather", {{"sky", "blue"}}, 0));
  first(lines, settles("t6")).fields["mood"] = "good";
  write_record(lines);
  const Record record = read_record(file_);
  EXPECT_EQ(
      std::count_if(record.observations.begin(), record.observations.end(), of_kind("weather")), 1);
  EXPECT_EQ(judge_record(record.observations), judge_record(whole_run()));
}

TEST_F(RecordTest, a_file_cut_anywhere_is_cut_off_and_never_a_pass) {
  write_record(whole_run());
  const std::string all = bytes();
  for (std::size_t size = 0; size < all.size(); size += 397) {
    write_bytes(all.substr(0, size));
    const Record record = read_record(file_);
    EXPECT_NE(record.cut_off, "") << size;
    EXPECT_NE(record.cut_off, "") << size;
    const auto cells = judge_record(record.observations);
    EXPECT_NE(exit_status(cells, scenarios::Level::kMust, record.cut_off.empty()), 0) << size;
  }
  write_bytes(all.substr(0, all.size() / 2));
  EXPECT_EQ(judge_record(read_record(file_).observations).at(0).status, Status::kCutOff);
}

TEST_F(RecordTest, a_changed_byte_before_the_footer_shows) {
  write_record(whole_run());
  std::string all = bytes();
  const std::size_t kind = all.rfind("worker-lost");
  ASSERT_NE(kind, std::string::npos);
  all.replace(kind, 11, "pool-broken");
  write_bytes(all);
  const Record record = read_record(file_);
  EXPECT_NE(record.cut_off, "");
  EXPECT_EQ(record.cut_off, "the footer does not match what stands before it");
}

TEST_F(RecordTest, lines_after_the_footer_show) {
  write_record(whole_run());
  const std::string all = bytes();
  write_bytes(all + "{\"v\":1}\n");
  EXPECT_NE(read_record(file_).cut_off.find("after the footer"), std::string::npos);
}

TEST_F(RecordTest, a_line_that_nests_without_end_is_damaged_and_takes_nothing_down) {
  std::ofstream(file_) << R"({"v":1,"seq":1,"t_ns":0,"kind":"x","a":)" << std::string(200'000, '[')
                       << std::string(200'000, ']') << "}\n{}\n";
  EXPECT_THROW(read_record(file_), RecordError);
}

TEST_F(RecordTest, a_damaged_line_in_the_middle_is_an_error_that_names_it) {
  write_record(whole_run());
  std::string all = bytes();
  const std::size_t third = all.find('\n', all.find('\n') + 1) + 1;
  for (const char* damage :
       {"not json", "[1]", "{\"v\":1}", "{\"v\":2,\"seq\":3,\"t_ns\":1,\"kind\":\"x\"}"}) {
    write_bytes(all.substr(0, third) + damage + all.substr(all.find('\n', third)));
    try {
      read_record(file_);
      FAIL() << damage;
    } catch (const RecordError& error) {
      EXPECT_NE(std::string(error.what()).find("events.ndjson:3: damaged"), std::string::npos)
          << error.what();
    }
  }
}

// A number that is cut off or wraps would be another time, or another attempt.
TEST_F(RecordTest, a_number_that_no_line_can_have_is_damage) {
  for (const char* damage :
       {"\"seq\":1.5,\"t_ns\":1", "\"seq\":1e300,\"t_ns\":1", "\"seq\":1,\"t_ns\":-1",
        "\"seq\":1,\"t_ns\":1e300", "\"seq\":1,\"t_ns\":9223372036854775807",
        "\"seq\":1,\"t_ns\":1,\"attempt\":4294967297", "\"seq\":1,\"t_ns\":1,\"attempt\":true"}) {
    write_bytes(std::string("{\"v\":1,") + damage + ",\"kind\":\"x\"}\n{}\n");
    EXPECT_THROW(read_record(file_), RecordError) << damage;
  }
}

// The ledger can hold a line of any shape, and a pool's message may nest as deep as is allowed.
TEST_F(RecordTest, what_nests_too_deep_for_a_reader_is_written_as_text) {
  const auto nested = [](int levels) {
    return json::parse(std::string(static_cast<std::size_t>(levels), '[') +
                       std::string(static_cast<std::size_t>(levels), ']'));
  };
  Lines told;
  RecordWriter writer(file_);
  writer.listener = [&](const Observation& one) { told.push_back(one); };
  writer.append(line("received", {{"message", nested(kDeepestMessage)}}, 1));
  writer.append(line("ledger", {{"entry", nested(500)}, {"pid", 4}}, 2));
  writer.finish();
  const Record record = read_record(file_);
  EXPECT_EQ(record.cut_off, "");
  told.pop_back();
  EXPECT_EQ(record.observations, told) << "the listener is told what a reader will see";
  EXPECT_EQ(record.observations.at(0).fields.at("message"), nested(kDeepestMessage));
  EXPECT_TRUE(record.observations.at(1).fields.at("entry").is_string());
  EXPECT_EQ(record.observations.at(1).fields.at("pid"), 4);
}

TEST_F(RecordTest, a_line_that_was_taken_out_is_damage_too) {
  write_record(whole_run());
  const std::string all = bytes();
  const std::size_t second = all.find('\n') + 1;
  write_bytes(all.substr(0, second) + all.substr(all.find('\n', second) + 1));
  EXPECT_THROW(read_record(file_), RecordError);
}

TEST_F(RecordTest, an_empty_record_and_one_that_is_not_there) {
  write_bytes("");
  EXPECT_EQ(read_record(file_).cut_off, "the record is empty");
  std::filesystem::remove(file_);
  EXPECT_THROW(read_record(file_), RecordError);
  EXPECT_THROW(RecordWriter(folder_ / "no" / "such" / "folder"), RecordError);
}

TEST_F(RecordTest, the_records_own_keys_are_not_for_fields_and_nothing_follows_the_footer) {
  RecordWriter writer(file_);
  EXPECT_THROW(writer.append(line("met", {{"t_ns", 4}}, 1)), RecordError);
  writer.finish();
  EXPECT_THROW(writer.append(line("met", {{"conn", 4}}, 1)), RecordError);
}

}  // namespace
}  // namespace poolproof::conformance
