// The node that when_all returns: it counts the ends of other nodes. Internal.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolproof/detail/typed_node.h"
#include "poolproof/detail/watch.h"
#include "poolproof/future.h"

namespace poolproof::detail {

template <class T>
struct IsFuture : std::false_type {};
template <class T>
struct IsFuture<Future<T>> : std::true_type {};
template <class R>
concept FutureRange = std::ranges::input_range<R> &&
    IsFuture<std::remove_cvref_t<std::ranges::range_reference_t<R>>>::value;

// The result of when_all: counts the ends of its futures. Its sources keep it alive. Only the owner
// touches the futures themselves. Any other thread that asks what this node waits for uses
// `sources_`.
template <class All>
class AllNode final : public TypedNode<All>, public Watch {
 public:
  AllNode(All all, std::shared_ptr<CallbackOwner> owner)
      : TypedNode<All>(0, std::move(owner)), sources_(nodes_of(all)), all_(std::move(all)) {
    this->has_sources();
  }
  // `self`: this node. Call it once.
  void begin(const NodePtr& self) {
    const std::vector<NodePtr> nodes = sources_;
    left_ = nodes.size() + 1;
    for (const NodePtr& node : nodes) Watch::start(*node, *this, 0, self);
    if (came(0)) this->settle_stored();
  }
  All take() override { return std::move(all_); }
  void add_sources(std::vector<NodePtr>& to) const override {
    to.insert(to.end(), sources_.begin(), sources_.end());
  }

 private:
  static std::vector<NodePtr> nodes_of(const All& all) {
    std::vector<NodePtr> nodes;
    if constexpr (FutureRange<All>) {
      nodes.reserve(all.size());
      for (const auto& future : all) nodes.push_back(FutureAccess::node(future));
    } else {
      std::apply([&](const auto&... future) { (nodes.push_back(FutureAccess::node(future)), ...); },
                 all);
    }
    return nodes;
  }
  NodePtr came(std::size_t) override {
    return left_.fetch_sub(1, std::memory_order_acq_rel) == 1 ? this->reference() : NodePtr();
  }
  Sources drop_sources() override { return {{}, std::move(sources_)}; }

  std::vector<NodePtr> sources_;  // guarded by parking_lock once begin has returned
  All all_;
  std::atomic<std::size_t> left_ = 0;
};

template <class All>
Future<All> all_of(All all, std::shared_ptr<CallbackOwner> owner) {
  auto* node = new AllNode<All>(std::move(all), std::move(owner));
  const NodePtr held(node);
  node->begin(held);
  return FutureAccess::make<All>(held);
}

}  // namespace poolproof::detail
