// Files without a build id: the same content is the same file, whatever happens to its name, and
// another build is another file.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "executor/tests/program.h"
#include "poolproof/task.h"

namespace poolproof {
namespace {

namespace fs = std::filesystem;

// A folder with copies of the program and of its library, which the program finds there.
class Copies {
 public:
  Copies() {
    char name[] = "/tmp/poolproof-identity-XXXXXX";
    folder_ = mkdtemp(name);
    fs::copy_file(UNNAMED_PROGRAM, program());
    fs::copy_file(UNNAMED_LIBRARY, library());
    setenv("LD_LIBRARY_PATH", folder_.c_str(), 1);
  }
  ~Copies() {
    unsetenv("LD_LIBRARY_PATH");
    fs::remove_all(folder_);
  }
  fs::path program() const { return folder_ / "program"; }
  fs::path library() const { return folder_ / fs::path(UNNAMED_LIBRARY).filename(); }

 private:
  fs::path folder_;
};

std::string run(const Copies& copies, const fs::path& file, const std::string& change) {
  testing_support::Program program(copies.program(), {file, OTHER_LIBRARY, change});
  return program.output();
}

class UnnamedFile : public testing::TestWithParam<const char*> {};

TEST_P(UnnamedFile, of_a_running_program_may_be_changed_without_harm) {
  const Copies copies;
  EXPECT_EQ(run(copies, copies.program(), GetParam()), "2\n11\n2\n11\n");
}
INSTANTIATE_TEST_SUITE_P(Every, UnnamedFile,
                         testing::Values("touch", "rename", "delete", "link", "copy", "replace",
                                         "mode"),
                         [](const auto& each) { return std::string(each.param); });

class UnnamedLibrary : public testing::TestWithParam<const char*> {};

TEST_P(UnnamedLibrary, may_be_changed_without_harm_as_long_as_its_contents_are_the_same) {
  const Copies copies;
  EXPECT_EQ(run(copies, copies.library(), GetParam()), "2\n11\n2\n11\n");
}
INSTANTIATE_TEST_SUITE_P(Every, UnnamedLibrary, testing::Values("touch", "link", "copy", "mode"),
                         [](const auto& each) { return std::string(each.param); });

TEST(UnnamedLibraryAlone, that_was_replaced_by_another_build_is_named_and_not_called) {
  const Copies copies;
  const std::string output = run(copies, copies.library(), "replace");
  EXPECT_EQ(output.find("2\n11\n2\nan argument of task 4 could not be decoded"), 0u) << output;
  EXPECT_NE(output.find("restart the program after an update"), std::string::npos) << output;
}

// A breakpoint as a debugger sets it: in the memory of this process, at code that is not run here.
void set_breakpoint(void* code) {
  const auto size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  void* page = std::bit_cast<void*>(std::bit_cast<std::uintptr_t>(code) / size * size);
  ASSERT_EQ(mprotect(page, size, PROT_READ | PROT_WRITE), 0);
  *static_cast<unsigned char*>(code) ^= 0xff;
  ASSERT_EQ(mprotect(page, size, PROT_READ | PROT_EXEC), 0);
}

std::uint64_t module_of(const char* library, bool with_breakpoint = false) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  EXPECT_NE(handle, nullptr) << dlerror();
  void* function = dlsym(handle, "_Z14of_the_libraryi");
  EXPECT_NE(function, nullptr) << dlerror();
  if (with_breakpoint) set_breakpoint(function);
  const std::uint64_t module = detail::locate(std::bit_cast<std::uintptr_t>(function)).module;
  dlclose(handle);
  return module;
}

TEST(UnnamedLibraryAlone, has_one_identity_in_each_build_also_where_another_was_loaded_before) {
  const std::uint64_t one = module_of(UNNAMED_LIBRARY);
  EXPECT_NE(module_of(OTHER_LIBRARY), one);
  EXPECT_EQ(module_of(UNNAMED_LIBRARY), one);
}

TEST(UnnamedLibraryAlone, keeps_its_identity_where_a_debugger_has_set_a_breakpoint) {
  const std::uint64_t identity = module_of(UNNAMED_LIBRARY);
  EXPECT_EQ(module_of(UNNAMED_LIBRARY, true), identity);
  const Copies copies;
  EXPECT_EQ(module_of(copies.library().c_str(), true), identity);
}

}  // namespace
}  // namespace poolproof
