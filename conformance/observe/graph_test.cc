#include "conformance/observe/graph.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "conformance/observe/findings.h"

namespace poolproof::hang {
namespace {

// Process 10 reads the rest of a message that its dead child 11 began, and holds the write end.
Look half_a_message() {
  Look look;
  ProcessLook reader;
  reader.pid = 10;
  reader.parent = 1;
  reader.name = "pool";
  reader.descriptors.resize(2);
  const Object pipe{Object::Kind::pipe, "pipe:[1]"};
  reader.descriptors[0].object = reader.descriptors[1].object = pipe;
  reader.descriptors[0].fd = 3;
  reader.descriptors[0].reads = true;
  reader.descriptors[1].fd = 4;
  reader.descriptors[1].writes = true;
  ThreadLook thread;
  thread.tid = 10;
  thread.name = "main\x1b";
  thread.before = thread.after = {'S', 1, 1, 1};
  thread.wait.kind = Wait::Kind::descriptors;
  thread.wait.call = "read";
  thread.wait.bytes = 100126;
  Wish wish;
  wish.fd = 3;
  wish.in = wish.reads = true;
  wish.object = pipe;
  wish.queued = 0;
  thread.wait.wishes = {wish};
  reader.threads = {thread};
  ProcessLook worker;
  worker.pid = 11;
  worker.parent = 10;
  worker.name = "worker";
  worker.dead = true;
  worker.exit_status = 9;
  look.processes = {reader, worker};
  look.interval_timers = false;
  return look;
}

TEST(GraphText, tells_who_waits_for_what_and_who_could_end_it) {
  const Look look = half_a_message();
  const std::string text = graph_text(look, prove(look, look, {}));
  EXPECT_EQ(
      text,
      "hung: its one thread waits for what nobody but itself could bring\n"
      "(1 thread in 1 living process; none of them can ever run again)\n"
      "\n"
      "found:\n"
      "  half-read-message: thread 10 of process 10 is in the middle of a message: it asks "
      "for exactly 100126 bytes more from pipe:[1], which is empty; dead process 11 may have died "
      "while writing it\n"
      "  unburied: process 11 (worker) is dead: signal 9; its parent, process 10, has not "
      "asked for its end\n"
      "  eof-blocked: thread 10 of process 10 cannot see the end of pipe:[1]: its write end "
      "is still held by process 10 by descriptor 4 (the reader itself)\n"
      "\n"
      "process 10 (pool)\n"
      "  thread 10 (main?) waits in read for input from pipe:[1] (descriptor 3, empty)\n"
      "    stuck: only its own process (descriptor 4) could wake it, and can never run again\n"
      "\n"
      "process 11 (worker), a child of 10, is dead: signal 9\n"
      "\n"
      "provided that:\n"
      "  nobody outside sends a signal\n");
}

TEST(GraphJson, has_the_same_for_machines) {
  const Look look = half_a_message();
  const nlohmann::json graph = graph_json(look, prove(look, look, {}));
  EXPECT_EQ(graph.at("verdict"), "hung");
  EXPECT_EQ(graph.at("processes").at(1).at("dead"), true);
  const auto& thread = graph.at("processes").at(0).at("threads").at(0);
  EXPECT_EQ(thread.at("standing"), "stuck");
  EXPECT_EQ(thread.at("wakers"), nlohmann::json::parse(R"([{"pid": 10, "fd": 4}])"));
  EXPECT_EQ(graph.at("findings").at(0).at("kind"), "half-read-message");
}

TEST(Findings, take_a_round_number_of_bytes_for_a_buffer_and_not_for_a_message) {
  Look look = half_a_message();
  look.processes[0].threads[0].wait.bytes = 65536;
  for (const Finding& finding : findings_of(look, prove(look, look, {})))
    EXPECT_NE(finding.kind, Finding::Kind::half_read);
}

}  // namespace
}  // namespace poolproof::hang
