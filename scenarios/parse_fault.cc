#include <algorithm>
#include <csignal>

#include "scenarios/parse.h"

namespace poolproof::scenarios {
namespace {

using faults::Effect;
using faults::EffectKind;
using faults::Fault;
using faults::Point;
using faults::Target;

// The caller encodes an argument, decodes a result and runs a callback.
bool on_callers_side(Point point) {
  return point == Point::kEncodeArgs || point == Point::kDecodeResult || point == Point::kCallback;
}

// Is this a point inside the task's own body?
bool is_in_body(Point point) { return point == Point::kRunning || point == Point::kSending; }

std::vector<std::string_view> roles_of(const Scenario& scenario) {
  std::vector<std::string_view> roles;
  for (const TaskGroup& group : scenario.tasks) roles.push_back(group.role);
  return roles;
}

const TaskGroup& group_of(const Scenario& scenario, const std::string& role) {
  return *std::find_if(scenario.tasks.begin(), scenario.tasks.end(),
                       [&](const TaskGroup& group) { return group.role == role; });
}

// "idle", or "POINT:ROLE"
void parse_place(const Section& section, const Scenario& scenario, Fault& fault) {
  const toml::node& node = section.need("at", "at = \"idle\" or at = \"POINT:ROLE\"");
  const std::string at = section.text(node, "at");
  const auto colon = at.find(':');
  const std::string point = at.substr(0, colon);
  const auto known = faults::parse_point(point);
  if (!known) {
    const std::string meant = nearest(point, words::kPoints);
    section.fail_at(node, "\"" + point + "\" is not a point",
                    (meant.empty() ? "write one of " : "write \"" + meant + "\" (all: ") +
                        listed(words::kPoints) + (meant.empty() ? "" : ")"));
  }
  fault.point = *known;
  if (fault.point == Point::kIdle) {
    if (colon != std::string::npos)
      section.fail_at(node, "at idle no task is there to be struck",
                      "write at = \"idle\", without a role");
    return;
  }
  const std::vector<std::string_view> roles = roles_of(scenario);
  if (roles.empty())
    section.fail_at(node, "no task is there to reach the point " + point,
                    "put the fault that strikes at idle last, or add a [task.ROLE]");
  if (colon == std::string::npos)
    section.fail_at(node, "\"" + at + "\" does not say which task reaches the point",
                    "write at = \"" + at + ":" + std::string(roles.front()) + "\"");
  fault.role = at.substr(colon + 1);
  if (contains(roles, fault.role)) return;
  const std::string meant = nearest(fault.role, roles);
  section.fail_at(node, "no task has the role \"" + fault.role + "\"",
                  meant.empty()
                      ? "name one of " + listed(roles) + ", or add [task." + fault.role + "]"
                      : "write \"" + point + ":" + meant + "\"");
}

// Does the role's body reach the point, and can all its tasks wait there together?
void check_reach(const Section& section, const Scenario& scenario, const Fault& fault) {
  if (fault.point == Point::kIdle) return;
  const toml::node& node = section.need("at", "");
  const TaskGroup& group = group_of(scenario, fault.role);
  const std::string point = faults::to_string(fault.point);
  if (group.cancel || !group.submitted_by.empty())
    section.fail_at(node, "task." + group.role + " may never come to the point",
                    group.cancel ? "strike a role that is not cancelled"
                                 : "strike a role that no callback submits");
  if (fault.point == Point::kRunning && group.body != "rendezvous" && group.body != "large")
    section.fail_at(
        node,
        "the body " + group.body + " of task." + group.role + " never meets at the point running",
        "write body = \"rendezvous\" there");
  if (fault.point == Point::kSending && group.body != "large")
    section.fail_at(node, "the result of task." + group.role + " is sent before it can be struck",
                    "write body = \"large\", bytes = 104857600 there");
  const bool in_codec = !is_in_body(fault.point) && fault.point != Point::kCallback;
  if (in_codec && (group.body != "carry" || group.stage != point))
    section.fail_at(node, "task." + group.role + " never reaches the point " + point,
                    "write body = \"carry\", stage = \"" + point + "\" there");
  for (const TaskGroup& other : scenario.tasks)
    if (fault.point == Point::kCallback && other.submitted_by == group.role)
      section.fail_at(node, "the done-callback of " + group.role + " submits " + other.role,
                      "strike the callback of another role");
  const int room = on_callers_side(fault.point) ? 1 : scenario.workers;
  if (group.count > room)
    section.fail_at(node,
                    std::to_string(group.count) + " tasks of the role " + group.role +
                        " cannot stand at the point together",
                    "set its count to at most " + std::to_string(room) +
                        (on_callers_side(fault.point) ? ": the caller does one at a time"
                                                      : ": there are no more workers"));
}

std::string_view head_of(std::string_view effect) { return effect.substr(0, effect.find(':')); }

// How to fix a word that is not an effect: the word that was probably meant.
std::string fix_effect(const std::string& text) {
  std::vector<std::string_view> heads;
  for (const std::string_view full : effects()) heads.push_back(head_of(full));
  const std::string head = nearest(head_of(text), heads);
  if (head.empty()) return "write one of " + listed(effects());
  const auto full = *std::find_if(effects().begin(), effects().end(),
                                  [&](std::string_view effect) { return head_of(effect) == head; });
  const std::string parameter =
      text.find(':') == std::string::npos ? "" : text.substr(text.find(':') + 1);
  if (head == "exit" && parameter.empty()) return "write \"exit:0\" (or another status, to 255)";
  if (head == "exhaust") return "write exhaust: and one of " + listed(words::kExhaustible);
  if (head == "deny") return "write deny: and one of " + listed(words::kDeniable);
  if (faults::parse_effect(head + ":" + parameter))
    return "write \"" + head + ":" + parameter + "\"";
  if (head == "exit") return "write an exit status from 0 to 255, like \"exit:1\"";
  if (head == full) return "write \"" + head + "\" (all: " + listed(effects()) + ")";
  std::vector<std::string> names;
  for (int signal = SIGHUP; signal <= SIGSYS; ++signal)
    names.push_back(faults::signal_name(signal));
  const std::string signal =
      nearest(parameter, std::vector<std::string_view>(names.begin(), names.end()));
  return "write \"" + head + ":" + (signal.empty() ? "SEGV" : signal) + "\"" +
         (signal.empty() ? " (or another signal, without SIG)" : "");
}

Effect parse_do(const Section& section) {
  const toml::node& node = section.need("do", "do = one of " + listed(effects()));
  const std::string text = section.text(node, "do");
  const auto effect = faults::parse_effect(text);
  if (!effect) section.fail_at(node, "\"" + text + "\" is not an effect", fix_effect(text));
  const int harmless[] = {SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH};
  if (std::count(std::begin(harmless), std::end(harmless), effect->signal) > 0)
    section.fail_at(node, "SIG" + faults::signal_name(effect->signal) + " ends no process",
                    "take one that does, like KILL, TERM or SEGV: the receipt is the exit");
  return *effect;
}

// Can this effect happen at this point?
void check_effect(const Section& section, const Fault& fault) {
  const toml::node& act = section.need("do", "");
  const std::string effect = faults::to_string(fault.effect);
  const bool only_in_body =
      fault.effect.kind == EffectKind::kThrowUndecodable ||
      fault.effect.kind == EffectKind::kFork || fault.effect.kind == EffectKind::kCloseFds ||
      fault.effect.kind == EffectKind::kGarbage || fault.effect.kind == EffectKind::kExhaust;
  if (only_in_body && fault.point != Point::kRunning)
    section.fail_at(act, "only a task that runs can do \"" + effect + "\"",
                    "write at = \"running:ROLE\"");
  if (fault.effect.kind == EffectKind::kDeny && fault.point != Point::kIdle &&
      fault.point != Point::kRunning)
    section.fail_at(act, "\"" + effect + "\" comes over the whole run, and not over a codec",
                    "write at = \"idle\", or \"running:ROLE\" before what strikes there; it lasts "
                    "until the probe");
  if (fault.point == Point::kSending && faults::door_of(fault.effect) != faults::Door::kProcess)
    section.fail_at(act, "a task whose result is on its way can do \"" + effect + "\" no more",
                    "write \"kill\" or \"signal:NAME\"");
  if (fault.effect.kind == EffectKind::kReturn && fault.target != Target::kParent)
    section.fail_at(act, "only the program that owns the pool returns from its main",
                    "add target = \"parent\"");
}

void check_target(const Section& section, const Fault& fault) {
  const toml::node* target = section.find("target");
  const toml::node& node = target ? *target : section.need("at", "");
  if (fault.effect.kind == EffectKind::kDeny) {
    if (target != nullptr)
      section.fail_at(node, "what is denied is denied to the whole run", "leave `target` out");
    return;
  }
  if (fault.point == Point::kIdle && fault.target == Target::kWorker)
    section.fail_at(node, "at idle no worker stands out from the others",
                    "write target = \"all-workers\", \"parent\" or \"group\"");
  if (fault.point != Point::kIdle && fault.target == Target::kAllWorkers)
    section.fail_at(node, "all workers can only be struck together at idle",
                    "write at = \"idle\", or leave `target` out");
  const toml::node& act = section.need("do", "");
  const std::string effect = faults::to_string(fault.effect);
  if (fault.target != Target::kWorker && faults::door_of(fault.effect) != faults::Door::kProcess)
    section.fail_at(
        act, "only a task can do \"" + effect + "\" to itself",
        "write \"kill\" or \"signal:NAME\" for target " + faults::to_string(fault.target));
  if (fault.target == Target::kWorker && on_callers_side(fault.point) &&
      fault.effect.kind != EffectKind::kThrow)
    section.fail_at(act,
                    "at " + faults::to_string(fault.point) +
                        " the caller's own process would suffer \"" + effect + "\"",
                    "write \"throw\", or target = \"parent\" if that is meant");
}

Fault parse_fault(const Section& section, const Scenario& scenario) {
  section.allow_only({"at", "do", "target", "nth"});
  Fault fault;
  parse_place(section, scenario, fault);
  check_reach(section, scenario, fault);
  fault.effect = parse_do(section);
  if (const toml::node* node = section.find("target"))
    fault.target = *faults::parse_target(section.word(*node, "target", words::kTargets));
  check_effect(section, fault);
  check_target(section, fault);
  fault.trigger.nth = section.number("nth", 1, 100, 1);
  return fault;
}

// A denied resource allows any other fault, but not the same denial again.
bool takes_the_same(const Fault& earlier, const Fault& fault) {
  const bool denies = earlier.effect.kind == EffectKind::kDeny;
  return !denies || earlier.effect == fault.effect;
}

// One meeting gets one answer. After the end of the parent, nothing is left to strike.
void check_order(const Section& section, const Scenario& scenario, const Fault& fault) {
  const toml::node& at = section.need("at", "");
  if (strikes_parent(scenario))
    section.fail_at(at, "this fault comes after the one that ends the parent",
                    "put the parent's fault last");
  for (const Fault& earlier : scenario.faults)
    if (earlier.point == fault.point && earlier.role == fault.role &&
        earlier.trigger == fault.trigger && takes_the_same(earlier, fault))
      section.fail_at(at,
                      "two faults strike at \"" + section.text(at, "at") + "\" for the same time",
                      "keep one of them, or tell them apart by `nth`");
  const bool strikes_tasks = std::any_of(scenario.faults.begin(), scenario.faults.end(),
                                         [](const Fault& f) { return f.point != Point::kIdle; });
  if (fault.point == Point::kIdle && strikes_tasks)
    section.fail_at(at, "a fault at idle comes before all that strike tasks", "put it first");
}

}  // namespace

void parse_faults(const Section& file, Scenario& scenario) {
  const toml::node* node = file.find("fault");
  if (node == nullptr) return;
  const auto* list = node->as_array();
  if (list == nullptr)
    file.fail_at(*node, "`fault` is " + type_of(*node),
                 "write a list of tables: fault = [{ at = \"running:victim\", do = \"kill\" }]");
  for (const toml::node& element : *list) {
    const auto* table = element.as_table();
    if (table == nullptr)
      file.fail_at(element, "a fault is a table, and this is " + type_of(element),
                   "write { at = \"running:victim\", do = \"kill\" }");
    const Section section(*table, "fault", file.file());
    const Fault fault = parse_fault(section, scenario);
    check_order(section, scenario, fault);
    scenario.faults.push_back(fault);
  }
}

}  // namespace poolproof::scenarios
