#include "fuzz/simulation/memory.h"

#include <cstdlib>
#include <new>

namespace poolproof::simulation {
namespace {

thread_local bool is_little = false;

}  // namespace

LittleMemory::LittleMemory(bool little) { is_little = little; }
LittleMemory::~LittleMemory() { is_little = false; }

}  // namespace poolproof::simulation

void* operator new(std::size_t bytes) {
  const bool refused = poolproof::simulation::is_little && bytes >= poolproof::simulation::kTooMuch;
  void* memory = refused ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
// A sanitizer's own would not come here.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return operator new(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
