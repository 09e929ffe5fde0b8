// The steps of the model, each done both to the model and to the real executor.
#pragma once

#include <rapidcheck/state.h>

#include "fuzz/model/stage.h"

namespace poolproof::fuzz::model {

using Command = rc::state::Command<Pool, Stage>;
using Commands = rc::state::Commands<Command>;

// A list of commands for a pool with this initial state.
rc::Gen<Commands> commands_for(const Pool& begin);

// The end of each list: a drain that releases, one by one, all tasks that are held.
std::shared_ptr<const Command> last_command();

}  // namespace poolproof::fuzz::model
