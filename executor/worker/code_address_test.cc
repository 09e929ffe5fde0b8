#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <vector>

#include "poolproof/task.h"

namespace poolproof::detail {
namespace {

int ours(int x) { return x + 1; }

TEST(CodeAddress, of_a_function_of_this_program_leads_back_to_it) {
  const auto code = std::bit_cast<std::uintptr_t>(&ours);
  EXPECT_EQ(resolve(locate(code)), code);
}

TEST(CodeAddress, of_a_function_of_a_shared_library_leads_back_to_it) {
  const auto code = std::bit_cast<std::uintptr_t>(&std::qsort);
  EXPECT_EQ(resolve(locate(code)), code);
  EXPECT_NE(locate(code).module, locate(std::bit_cast<std::uintptr_t>(&ours)).module);
}

TEST(CodeAddress, of_data_is_refused) {
  static int data = 0;
  const std::vector<int> heap(1);
  EXPECT_THROW(locate(std::bit_cast<std::uintptr_t>(&data)), BadBytes);
  EXPECT_THROW(locate(std::bit_cast<std::uintptr_t>(heap.data())), BadBytes);
  EXPECT_THROW(locate(0), BadBytes);
}

TEST(CodeAddress, outside_the_code_of_its_file_or_of_an_unknown_file_is_refused) {
  CodeAddress address = locate(std::bit_cast<std::uintptr_t>(&ours));
  EXPECT_THROW(resolve({address.module, std::uint64_t{1} << 40}), BadBytes);
  EXPECT_THROW(resolve({address.module + 1, address.offset}), BadBytes);
}

}  // namespace
}  // namespace poolproof::detail
