// The steps of the model, each done to the model and to the real executor alike.
#pragma once

#include <rapidcheck/state.h>

#include "fuzz/model/stage.h"

namespace poolproof::fuzz::model {

using Command = rc::state::Command<Pool, Stage>;
using Commands = rc::state::Commands<Command>;

// A list of commands for a pool that begins like this.
rc::Gen<Commands> commands_for(const Pool& begin);

// What ends each list: a drain that lets go, one by one, all that is held.
std::shared_ptr<const Command> last_command();

}  // namespace poolproof::fuzz::model
