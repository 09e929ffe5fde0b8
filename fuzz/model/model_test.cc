// Any list of commands: the real executor does what the model says, and leaves nothing behind.
#include <cstdlib>
#include <string>

#include "fuzz/belongings.h"
#include "fuzz/model/commands.h"
#include "fuzz/property.h"

namespace poolproof::fuzz::model {
namespace {

// The nightly run may ask for more.
int cases() {
  const char* asked = std::getenv("POOLPROOF_MODEL_CASES");
  return asked != nullptr ? std::atoi(asked) : MODEL_CASES;
}

void follows_the_model(bool a_death_breaks_it) {
  Pool begin;
  begin.a_death_breaks_it = a_death_breaks_it;
  begin.workers = *rc::gen::inRange(1, 4).as("workers");
  begin.tasks_per_worker = *rc::gen::weightedElement<int>({{2, 0}, {1, 1}, {1, 2}})
                                .as("tasks per worker (0: any number)");
  begin.idle_workers_end =
      *rc::gen::weightedElement<bool>({{3, false}, {1, true}}).as("idle workers end at once");
  const Commands commands = *commands_for(begin).as("commands");
  const Belongings before = belongings();
  {
    Stage stage(begin);
    rc::state::runAll(commands, begin, stage);
    Pool end = begin;
    rc::state::applyAll(commands, end);
    last_command()->run(end, stage);
    last_command()->apply(end);
    RC_ASSERT(belongings().children == 0u);
    stage.check_runs(end);
  }
  const Belongings after = belongings_after(before, patience());
  if (after != before) give_up("left: " + to_string(after) + "; before: " + to_string(before));
}

TEST(ExecutorModel, is_followed_where_the_dead_are_replaced) {
  holds("each future ends as the model says (replace)", cases(), [] { follows_the_model(false); });
}

TEST(ExecutorModel, is_followed_where_a_death_breaks_the_pool) {
  holds("each future ends as the model says (break)", cases(), [] { follows_the_model(true); });
}

}  // namespace
}  // namespace poolproof::fuzz::model
