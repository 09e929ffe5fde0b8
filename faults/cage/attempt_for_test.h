// Shared by the cage's tests: a cage with the test's own adapter in it, and the messages from it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "faults/cage/cage.h"
#include "faults/cage/fd.h"

namespace poolproof::faults {

std::filesystem::path program_beside_this(const std::string& name);
std::string fresh_token();

// Pids, as this process sees them, of all processes whose command line contains `token`, except
// zombies.
std::vector<int> processes_with(const std::string& token);
// Guard and keeper of each cage whose harness is `parent`.
std::vector<int> cages_of(int parent);
// Waits until each of these has ended. False: one had not ended at the limit of these tests. The
// limit is long, because a keeper that removes its folder waits for the disk.
bool all_end(const std::vector<Fd>& pidfds);
std::vector<Fd> pidfds_of(const std::vector<int>& pids);

class Attempt {
 public:
  explicit Attempt(bool namespaces, const std::function<void(CageOptions&)>& change = {});

  nlohmann::json await(const std::string& ev,
                       const std::function<bool(const nlohmann::json&)>& fits = {});
  std::string ask(const std::string& packet);    // sends to the adapter, and returns its answer
  std::string hear();                            // the next packet of the adapter, or of a worker
  void tell(const std::string& packet);          // sends without waiting for an answer
  nlohmann::json ready();                        // sends the paths to the adapter, once ready
  nlohmann::json meet(const std::string& task);  // forks a worker, and waits for its meeting
  std::vector<nlohmann::json> processes(int snap, nlohmann::json* whole = nullptr);
  bool ended();            // waits for the end of the cage
  std::string end_text();  // the text that receive() then threw

  Cage& cage() { return *cage_; }
  void destroy() { cage_.reset(); }
  const std::string& token() const { return token_; }
  const std::vector<nlohmann::json>& all() const { return all_; }

 private:
  bool take_one();  // waits for one message; false: the cage ended

  std::string token_ = fresh_token();
  std::unique_ptr<Cage> cage_;
  std::vector<nlohmann::json> all_;  // in order
  std::vector<bool> used_;           // by `await`
  std::string end_text_;
};

}  // namespace poolproof::faults
