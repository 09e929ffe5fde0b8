// What must not compile, and what the compiler must say then: with g++ and with clang++.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace {

struct Verdict {
  bool compiles = false;
  std::string text;
};

Verdict compile(const std::string& compiler, const std::string& statement) {
  char file[] = "/tmp/poolproof-compile-XXXXXX.cc";
  const int fd = mkstemps(file, 3);
  std::ofstream(file) << "#include <poolproof/executor.h>\n"
                         "struct NoCodec { int x; };\n"
                         "int main() {\n"
                         "  poolproof::Executor pool;\n"
                         "  int n = 1; int* p = &n; std::string s; (void)n, (void)p, (void)s;\n"
                         "  "
                      << statement << "\n}\n";
  const std::string command =
      compiler + " -std=c++20 -fsyntax-only -I" POOLPROOF_INCLUDE " " + file + " 2>&1";
  FILE* output = popen(command.c_str(), "r");
  Verdict verdict;
  char part[4096];
  while (const std::size_t size = fread(part, 1, sizeof(part), output)) {
    verdict.text.append(part, size);
  }
  verdict.compiles = pclose(output) == 0;
  close(fd);
  unlink(file);
  return verdict;
}

class Compiler : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()).find("NOTFOUND") != std::string::npos) {
      GTEST_SKIP() << "this compiler is not installed";
    }
  }
  void refuses(const std::string& statement, const std::string& what_to_do) {
    const Verdict verdict = compile(GetParam(), statement);
    EXPECT_FALSE(verdict.compiles) << statement;
    EXPECT_NE(verdict.text.find(what_to_do), std::string::npos) << verdict.text;
  }
};

constexpr char kPassAsArgument[] = "pass everything else as an argument of the call";

TEST_P(Compiler, accepts_what_can_travel) {
  const Verdict verdict =
      compile(GetParam(),
              "pool.submit([n](std::string t) { return t.size() + n; }, s).get();"
              "pool.submit([] { return 1; }).then([](int x) { return x; }).get();"
              "pool.submit([d = 1.5, c = 'x', b = true, e = poolproof::Stage::kArgs] {"
              "  return (void)d, (void)c, (void)b, (void)e; });");
  EXPECT_TRUE(verdict.compiles) << verdict.text;
}
TEST_P(Compiler, refuses_a_captured_reference) {
  refuses("pool.submit([&n] { return n; });", kPassAsArgument);
}
TEST_P(Compiler, refuses_a_captured_pointer) {
  refuses("pool.submit([p] { return *p; });", kPassAsArgument);
}
TEST_P(Compiler, refuses_a_captured_string) {
  refuses("pool.submit([s] { return s.size(); });", kPassAsArgument);
}
TEST_P(Compiler, refuses_a_pointer_within_a_captured_struct) {
  refuses("struct { int a; int* q; } in{1, p}; pool.submit([in] { return *in.q; });",
          kPassAsArgument);
}
TEST_P(Compiler, refuses_a_pointer_argument) {
  refuses("pool.submit([](int* q) { return *q; }, p);",
          "a pointer means nothing in another process");
}
TEST_P(Compiler, refuses_a_parameter_that_the_task_would_change) {
  refuses("pool.submit([](std::string& t) { t.clear(); }, s);", "return what it would change");
}
TEST_P(Compiler, refuses_a_type_without_a_codec) {
  refuses("pool.submit([](NoCodec c) { return c.x; }, NoCodec{1});", "Give it cereal functions");
}

INSTANTIATE_TEST_SUITE_P(Every, Compiler, testing::Values(POOLPROOF_GXX, POOLPROOF_CLANGXX),
                         [](const auto& param) {
                           return std::string(param.index == 0 ? "gxx" : "clangxx");
                         });

}  // namespace
