#include "executor/front/search.h"

#include <stdexcept>
#include <utility>

#include "executor/front/callbacks.h"
#include "executor/front/parking.h"

namespace poolproof::detail {

DueCallback Search::next(Callbacks& here) {
  if (steps_.empty()) {
    std::vector<NodePtr> roots;
    awaited_.add_roots(roots);
    for (NodePtr& root : roots) {
      fresh_.push_back(steps_.size());
      steps_.push_back({std::move(root), kNone});
    }
  }
  for (bool all = false; true; all = true) {
    while (!fresh_.empty()) {
      const std::size_t place = fresh_.back();
      fresh_.pop_back();
      if (auto callback = look_at(place, here)) {
        fresh_.push_back(place);  // its consumer will have ended then
        return {std::move(callback), steps_[place].node};
      }
    }
    if (all) return {};
    fresh_.swap(waiting_);
  }
}

// The callback of this step, if it may run now; otherwise the step goes into the right list.
std::unique_ptr<Callback> Search::look_at(std::size_t place, Callbacks& here) {
  const Step& step = steps_[place];
  if (over(step)) {
    pass(place);
  } else if (!step.node->ready()) {
    if (step.expanded || !expand(place)) waiting_.push_back(place);
  } else {
    const std::shared_ptr<CallbackOwner>& owner = step.node->owner();
    if (auto callback = owner ? owner->take_due(*step.node) : nullptr) return callback;
    if (here.runs(*step.node)) {
      throw std::logic_error(
          "poolproof: a callback waits for its own future, which ends only when it returns");
    }
    waiting_.push_back(place);
  }
  return nullptr;
}

// Whether there is nothing to do, and nothing to wait for, at this step.
bool Search::over(const Step& step) const {
  if (!step.node->ready()) return false;
  if (step.leads_to == kNone || !step.node->called_back()) return true;
  return steps_[step.leads_to].node->ready();
}

// False: it has no sources.
bool Search::expand(std::size_t place) {
  std::vector<NodePtr> sources;
  steps_[place].node->add_sources(sources);
  steps_[place].expanded = true;
  steps_[place].sources = sources.size();
  for (NodePtr& source : sources) {
    fresh_.push_back(steps_.size());
    steps_.push_back({std::move(source), place});
  }
  return !sources.empty();
}

void Search::pass(std::size_t place) {
  passed_.push_back(std::move(steps_[place].node));
  const std::size_t next = steps_[place].leads_to;
  if (next != kNone && --steps_[next].sources == 0) fresh_.push_back(next);
}

std::vector<NodePtr> Search::called_back() const {
  std::vector<NodePtr> nodes;
  for (const std::size_t place : waiting_) {
    const Step& step = steps_[place];
    if (!over(step) && step.node->called_back()) nodes.push_back(step.node);
  }
  return nodes;
}

}  // namespace poolproof::detail
