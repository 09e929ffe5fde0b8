// Error messages about what tasks do besides running (large results, cancels, callbacks), and about
// faults that strike them there or strike the whole program.
#include "scenarios/broken_file.h"

namespace poolproof::scenarios {
namespace {

const Change kLargeVictim = {R"({ body = "rendezvous", count = 1 })",
                             R"({ body = "large", bytes = 100000 })"};

TEST(ScenarioFile, a_large_result_has_a_size_and_no_value) {
  expect_complaints(kGoodFile,
                    {
                        {{{R"("rendezvous", count = 1)", R"("large")"}},
                         "6:15",
                         "`task.victim.bytes` is missing",
                         "write bytes = 104857600: how long the result is"},
                        {{{R"("rendezvous", count = 1)", R"("large", bytes = 65536)"}},
                         "6:41",
                         "`task.victim.bytes` is 65536",
                         "write an integer from 65537 to 1073741824"},
                        {{{R"("rendezvous", count = 1)", R"("large", bytes = 70000, value = 1)"}},
                         "6:48",
                         "the body large returns letters, and no value of ours",
                         "leave `value` out"},
                        {{{"count = 1", "bytes = 70000"}},
                         "6:38",
                         "the body rendezvous has no size",
                         R"(leave `bytes` out, or write body = "large")"},
                    });
}

TEST(ScenarioFile, a_callback_submits_one_task_of_a_role_below_it) {
  const std::string by_victim = R"(count = 1, submitted_by = "victim")";
  expect_complaints(
      kGoodFile,
      {
          {{{"count = 6", R"(submitted_by = "victm")"}},
           "7:61",
           R"("victm" is not a role above this one)",
           R"(write "victim")"},
          {{{"count = 6", R"(submitted_by = "victim", count = 2)"}},
           "7:61",
           "1 tasks of the role victim cannot submit 2",
           "set `count` to 1: each callback submits one"},
          {{{"count = 1", R"(submitted_by = "bystander")"}},
           "6:53",
           "no task above this one is submitted by the harness itself",
           "put the task whose callback submits this one above it"},
          {{{"count = 6", by_victim + ", cancel = true"}},
           "7:72",
           "a task that a callback submits comes too late to be cancelled with others",
           "leave `cancel` out"},
          {{{"count = 6", by_victim + ", deadline_ms = 5"}},
           "7:72",
           "a task that a callback submits has no deadline",
           "leave `deadline_ms` out"},
          {{{"count = 6 }",
             by_victim + " }\ntask.other = { body = \"echo\", value = 1, " + by_victim + " }"}},
           "8:68",
           "the done-callback of victim submits bystander",
           "let each callback submit one task"},
          {{{"count = 6", by_victim}, {R"("running:victim")", R"("callback:victim")"}},
           "8:17",
           "the done-callback of victim submits bystander",
           "strike the callback of another role"},
          {{{"count = 6", by_victim}, {R"("running:victim")", R"("running:bystander")"}},
           "8:17",
           "task.bystander may never come to the point",
           "strike a role that no callback submits"},
          {{{"count = 1", R"(cancel = "yes")"}},
           "6:47",
           "`cancel` is a string",
           "write cancel = true, or leave it out"},
          {{{"count = 1", "cancel = true"}},
           "8:17",
           "task.victim may never come to the point",
           "strike a role that is not cancelled"},
      });
}

TEST(ScenarioFile, an_effect_must_be_possible_at_its_point) {
  expect_complaints(
      kGoodFile, {
                     {{{R"("running:victim")", R"("sending:victim")"}},
                      "8:17",
                      "the result of task.victim is sent before it can be struck",
                      R"(write body = "large", bytes = 104857600 there)"},
                     {{kLargeVictim,
                       {R"("running:victim", do = "kill")", R"("sending:victim", do = "throw")"}},
                      "8:40",
                      R"(a task whose result is on its way can do "throw" no more)",
                      R"(write "kill" or "signal:NAME")"},
                     {{{R"("running:victim", do = "kill")", R"("callback:victim", do = "fork")"}},
                      "8:41",
                      R"(only a task that runs can do "fork")",
                      R"(write at = "running:ROLE")"},
                     {{{R"("running:victim")", R"("callback:victim")"}},
                      "8:41",
                      R"(at callback the caller's own process would suffer "kill")",
                      R"(write "throw", or target = "parent" if that is meant)"},
                     {{{R"(do = "kill")", R"(do = "return")"}},
                      "8:40",
                      "only the program that owns the pool returns from its main",
                      R"(add target = "parent")"},
                     {{{R"(do = "kill" })", R"(do = "loop", target = "group" })"}},
                      "8:40",
                      R"(only a task can do "loop" to itself)",
                      R"(write "kill" or "signal:NAME" for target group)"},
                 });
}

TEST(ScenarioFile, a_program_that_ends_while_its_pool_is_idle_has_no_tasks) {
  const std::string idle = R"(claim = "A claim."
see = "measured: once"
fault = [{ at = "idle", do = "kill", target = "parent" }]
[expect]
leftovers = "none"
)";
  expect_complaints(idle,
                    {
                        {{{"fault = [{", "task.victim = { body = \"rendezvous\" }\nfault = [{"}},
                         "3:1",
                         "the fault ends the program before any task is submitted",
                         "leave [task] out, or strike at running:ROLE"},
                        {{{R"(target = "parent" }])",
                           R"(target = "parent" }, { at = "running:victim", do = "kill" }])"}},
                         "3:66",
                         "no task is there to reach the point running",
                         "put the fault that strikes at idle last, or add a [task.ROLE]"},
                        {{{R"("idle")", R"("running")"}},
                         "1:1",
                         "`task` is missing",
                         "write a section [task.victim]"},
                    });
}

}  // namespace
}  // namespace poolproof::scenarios
