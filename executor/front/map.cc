#include "poolproof/map.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "executor/front/pool.h"
#include "executor/transport/thrown.h"
#include "poolproof/wait.h"

namespace poolproof::detail {
namespace {

constexpr std::size_t kLongestChunk = 1024;
constexpr std::size_t kChunksAhead = 4;  // for each worker
constexpr std::chrono::nanoseconds kLongEnough = std::chrono::milliseconds(2);

FutureNode* make_chunk_node(TaskId task, std::shared_ptr<CallbackOwner> owner) {
  return new FutureNode(task, std::move(owner));
}

// Returns the maximum of size_t if the product is greater: a user may give any number.
std::size_t saturating_product(std::size_t a, std::size_t b) {
  const std::size_t most = std::numeric_limits<std::size_t>::max();
  return b != 0 && a > most / b ? most : a * b;
}

// How many elements are worth a separate task.
class ChunkSize {
 public:
  ChunkSize(const MapOptions& options, std::size_t workers, std::optional<std::size_t> size)
      : fixed_(options.chunk), most_(kLongestChunk) {
    if (size) most_ = std::min(most_, *size / saturating_product(4, workers));
    if (options.look_ahead != 0)
      most_ = std::min(most_, options.look_ahead / saturating_product(2, workers));
    most_ = std::max(most_, std::size_t{1});
  }
  std::size_t now() const { return fixed_ != 0 ? fixed_ : chunk_; }
  void measured(std::size_t elements, std::chrono::nanoseconds took) {
    const double each = static_cast<double>(std::max<std::int64_t>(took.count(), 1)) /
                        static_cast<double>(elements);
    each_ = each_ == 0 ? each : 0.75 * each_ + 0.25 * each;
    const auto wanted = static_cast<std::size_t>(static_cast<double>(kLongEnough.count()) / each_);
    chunk_ = std::clamp(std::min(wanted, 2 * chunk_), std::size_t{1}, most_);
  }

 private:
  const std::size_t fixed_;
  std::size_t most_;
  std::size_t chunk_ = 1;
  double each_ = 0;  // nanoseconds, smoothed
};

// A part of the input: a chunk that was sent, or an element that could not be sent.
struct Slot {
  NodePtr node;
  std::exception_ptr unsent;
  std::size_t left = 0;  // elements not yet returned
};

// For MapOrder::kCompletion, where no single task is waited for.
[[noreturn]] void throw_no_result_in_time() {
  Failure failure;
  failure.kind = FailureKind::kTimeout;
  failure.started = true;  // nothing more is known here
  failure.text = "no further result of the map came in time; its tasks go on";
  throw_failure(failure);
}

}  // namespace

class MapRun::State {
 public:
  State(Pool& pool, const MapOptions& options, Bytes head, Draw draw,
        std::optional<std::size_t> size)
      : pool_(pool.shared_from_this()),
        options_(options),
        head_(std::move(head)),
        draw_(std::move(draw)),
        until_(until_after(options.timeout)),
        workers_(static_cast<std::size_t>(pool.workers())),
        chunk_(options, workers_, size) {
    options_.task.when_full = Backpressure::kBlock;
    options_.task.room_within.reset();
    top_up();
  }
  ~State() {
    for (const auto& [place, slot] : slots_) {
      if (slot.node) slot.node->cancel({});
    }
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::optional<std::span<const std::byte>> next() {
    // Results that are there are returned first. A slow input is read only when it must be.
    if (!current_) {
      if (!next_is_here() || drawn_ <= window() / 2) top_up();
      if (!choose()) {
        if (!input_threw_) return std::nullopt;
        std::rethrow_exception(std::exchange(input_threw_, nullptr));
      }
    }
    Slot& slot = (*current_)->second;
    --drawn_;
    const bool last = --slot.left == 0;
    const Slot held = slot;  // its bytes are in the node
    if (last) {
      slots_.erase(*current_);
      current_.reset();
    }
    last_node_ = held.node;
    if (held.unsent) std::rethrow_exception(held.unsent);
    held.node->throw_if_failed();
    return element();
  }

  [[noreturn]] void throw_decode_error(std::exception_ptr why) const {
    last_node_->throw_decode_error(std::move(why));
  }

 private:
  std::size_t window() const {
    if (options_.look_ahead != 0) return options_.look_ahead;
    return saturating_product(kChunksAhead * workers_, chunk_.now());
  }

  // Sends until the window is full. Throws nothing: an error takes its place among the results.
  void top_up() {
    while (!ended_ && drawn_ < window()) send_chunk(std::min(chunk_.now(), window() - drawn_));
  }

  void send_chunk(std::size_t most) {
    Bytes payload = head_;
    std::size_t elements = 0;
    std::exception_ptr unencodable;
    while (elements < most && !unencodable && !ended_) {
      Bytes element;
      try {
        ended_ = !draw_(element, unencodable);
      } catch (...) {
        ended_ = true;
        input_threw_ = std::current_exception();
      }
      if (ended_ || unencodable) break;
      const std::uint64_t size = element.size();
      const auto* length = reinterpret_cast<const std::byte*>(&size);
      payload.insert(payload.end(), length, length + sizeof(size));
      payload.insert(payload.end(), element.begin(), element.end());
      ++elements;
    }
    if (elements > 0) add(send(std::move(payload)), elements);
    if (unencodable) {
      add({pool_->refuse(
               options_.task,
               transport::describe_thrown({FailureKind::kEncode, Stage::kArgs}, unencodable),
               &make_chunk_node),
           nullptr, 0},
          1);
    }
  }

  Slot send(Bytes payload) {
    try {
      return {pool_->submit(options_.task, std::move(payload), &make_chunk_node), nullptr, 0};
    } catch (...) {  // the pool is shut or broken, so reading more is useless
      ended_ = true;
      return {{}, std::current_exception(), 0};
    }
  }

  void add(Slot slot, std::size_t elements) {
    slot.left = elements;
    drawn_ += elements;
    if (options_.order == Order::kCompletion) {
      if (slot.node) arrivals_.add(slot.node, last_place_);
      if (!slot.node) unsent_.push_back(last_place_);
    }
    slots_.emplace(last_place_++, std::move(slot));
  }

  bool next_is_here() {
    if (slots_.empty()) return false;
    if (options_.order == Order::kCompletion) return !unsent_.empty() || arrivals_.any();
    const Slot& first = slots_.begin()->second;
    return !first.node || first.node->ready();
  }

  // Waits for the slot that is next. False: there is none.
  bool choose() {
    if (slots_.empty()) return false;
    auto chosen = slots_.begin();
    if (options_.order == Order::kCompletion) {
      if (const auto arrived = arrivals_.next(until_)) {
        chosen = slots_.find(*arrived);
      } else if (arrivals_.pending() != 0) {
        throw_no_result_in_time();
      } else {
        chosen = slots_.find(unsent_.front());
        unsent_.pop_front();
      }
    } else if (const NodePtr& node = chosen->second.node; node && !node->wait(until_)) {
      node->throw_timeout();
    }
    const Slot& slot = chosen->second;
    reply_.reset();
    if (slot.node && !slot.node->failed()) open_reply(slot);
    current_ = chosen;
    return true;
  }

  void open_reply(const Slot& slot) {
    const std::span<const std::byte> bytes = slot.node->result();
    reply_.emplace(bytes);
    if (bytes.size() < sizeof(std::uint64_t)) return;
    WireReader tail(bytes.last(sizeof(std::uint64_t)));
    const auto took = read_number<std::uint64_t>(tail);
    const std::uint64_t most = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    chunk_.measured(slot.left, std::chrono::nanoseconds(std::min(took, most)));
  }

  std::span<const std::byte> element() {
    std::optional<Failure> failure;
    std::span<const std::byte> bytes;
    try {
      const auto end = read_number<std::uint8_t>(*reply_);
      bytes = reply_->part(read_number<std::uint64_t>(*reply_));
      if (end > static_cast<std::uint8_t>(ElementEnd::kFailure)) throw BadBytes("no such end");
      if (end == static_cast<std::uint8_t>(ElementEnd::kFailure)) {
        failure = transport::parse_failure(bytes, last_node_->task());
        if (!failure) throw BadBytes("a report of a failure that cannot be read");
      }
    } catch (...) {
      throw_decode_error(std::current_exception());
    }
    if (failure) throw_failure(*failure);
    return bytes;
  }

  const std::shared_ptr<Pool> pool_;
  MapOptions options_;
  const Bytes head_;
  const Draw draw_;
  const std::optional<std::chrono::steady_clock::time_point> until_;
  const std::size_t workers_;
  ChunkSize chunk_;

  std::map<std::size_t, Slot> slots_;  // by place in the input
  std::size_t last_place_ = 0;
  Arrivals arrivals_;               // kCompletion: the chunks that were sent
  std::deque<std::size_t> unsent_;  // kCompletion: the slots that could not be sent
  std::size_t drawn_ = 0;           // elements whose results were not yet returned
  bool ended_ = false;              // the input is no longer read
  std::exception_ptr input_threw_;

  std::optional<std::map<std::size_t, Slot>::iterator> current_;  // the slot that is next
  std::optional<WireReader> reply_;                               // of the current slot
  NodePtr last_node_;  // keeps the bytes that were returned last
};

MapRun::MapRun(Pool& pool, const MapOptions& options, Bytes head, Draw draw,
               std::optional<std::size_t> size) {
  if (options.look_ahead != 0 && options.chunk > options.look_ahead) {
    throw std::invalid_argument("MapOptions::chunk is " + std::to_string(options.chunk) +
                                ", longer than look_ahead, which is " +
                                std::to_string(options.look_ahead));
  }
  state_ = std::make_unique<State>(pool, options, std::move(head), std::move(draw), size);
}
MapRun::~MapRun() = default;
std::optional<std::span<const std::byte>> MapRun::next() { return state_->next(); }
void MapRun::throw_decode_error(std::exception_ptr why) const {
  state_->throw_decode_error(std::move(why));
}

Bytes describe_element(Step step, std::exception_ptr what) {
  return transport::to_bytes(transport::describe_thrown(transport::origin_of(step), what));
}

}  // namespace poolproof::detail
