// What must not compile, and what the compiler then says, with g++ and with clang++: a few lines,
// the user's own line first, and what to do.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Verdict {
  bool compiles = false;
  std::string file;
  std::string text;
};

constexpr char kBefore[] = R"(#include <poolproof/map.h>
#include <poolproof/initializer.h>
#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
struct Point { int x; double y; };
struct Person { std::string name; std::vector<Point> way; char code[8]; };
struct NoCodec { NoCodec(int); int x; };
struct Holds { int a; int* q; };
struct Refers { int a; int& r; };
struct Bits { int a : 3; int b : 5; };
struct Both { int a; union { int i; float f; }; };
struct Derived : Point { int z; };
struct Large { int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q; };
struct Fixed { const int x; };
struct Device { std::vector<int> seen; volatile int x; };
struct Buffer { int size; std::unique_ptr<int[]> data; };
struct Forward;
class Counter { public: int next(int by) { return n_ += by; } template <class A> void serialize(A& a) { a(n_); } private: int n_ = 0; };
struct Add { std::string suffix; std::string operator()(std::string t) const { return t + suffix; } };
int twice(int x) { return 2 * x; }
void overloaded(int); void overloaded(double);
struct Bound { int* to; int operator()() const { return *to; } };
int main() {
  poolproof::Executor pool;
  int n = 1; int* p = &n; std::string s; std::mutex mutex; (void)n, (void)p, (void)s, (void)mutex;
)";

Verdict compile(const std::string& compiler, const std::string& source, const char* standard) {
  char file[] = "/tmp/poolproof-compile-XXXXXX.cc";
  const int fd = mkstemps(file, 3);
  std::ofstream(file) << source;
  const std::string command =
      compiler + " -std=" + standard + " -fsyntax-only -I" POOLPROOF_INCLUDE " " + file + " 2>&1";
  FILE* output = popen(command.c_str(), "r");
  Verdict verdict;
  char part[4096];
  while (const std::size_t size = fread(part, 1, sizeof(part), output)) {
    verdict.text.append(part, size);
  }
  verdict.compiles = pclose(output) == 0;
  verdict.file = file;
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
  void accepts(const std::string& statement) {
    const Verdict verdict = compile(GetParam(), kBefore + statement + "\n}\n",
                                    "c++20 -Wall -Wextra -Wpedantic -Wshadow -Werror");
    EXPECT_TRUE(verdict.compiles) << verdict.text;
  }
  void refuses(const std::string& statement, const std::string& what_to_do) {
    const Verdict verdict = compile(GetParam(), kBefore + statement + "\n}\n", "c++20");
    EXPECT_FALSE(verdict.compiles) << statement;
    EXPECT_NE(verdict.text.find(what_to_do), std::string::npos) << verdict.text;
    expect_short_and_users_line_first(verdict, 29);
    if (getenv("POOLPROOF_SHOW_TEXTS") != nullptr) std::fputs(verdict.text.c_str(), stderr);
  }
  // At most 20 lines; and the first line that reports an error, or says from where something was
  // required, is about line `line` of the file.
  static void expect_short_and_users_line_first(const Verdict& verdict, int line) {
    std::istringstream text(verdict.text);
    std::string each, first;
    int lines = 0, errors = 0;
    while (std::getline(text, each)) {
      ++lines;
      const bool is_error = each.find("error:") != std::string::npos;
      errors += is_error;
      if (first.empty() && (is_error || each.find("required from here") != std::string::npos)) {
        first = each;
      }
    }
    EXPECT_LE(lines, 20) << verdict.text;
    EXPECT_LE(errors, 2) << verdict.text;  // g++: of the call, and of the variable that it gives
    EXPECT_EQ(first.find(verdict.file + ":" + std::to_string(line) + ":"), 0u) << verdict.text;
  }
};

constexpr char kPassAsArgument[] = "pass everything else as an argument of the call";
constexpr char kQualified[] = "holds something that is const or volatile";
constexpr char kPointerToArray[] = "holds a smart pointer to an array";

TEST_P(Compiler, accepts_what_can_travel) {
  accepts(
      "(void)pool.submit([n](std::string t) { return t.size() + n; }, s).get();"
      "(void)pool.submit([] { return 1; }).then([](int x) { return x; }).get();"
      "(void)pool.submit([d = 1.5, c = 'x', b = true, e = poolproof::Stage::kArgs] {"
      "  return (void)d, (void)c, (void)b, (void)e; });"
      "(void)pool.submit([](Person q) { return q.way; }, Person());"
      "(void)pool.submit(&Counter::next, Counter(), 3);"
      "(void)pool.submit(&Point::x, Point());"
      "(void)pool.submit(twice, 1), (void)pool.submit(&twice, 2), (void)pool.submit(*twice, 3);"
      "(void)poolproof::map(pool, twice, std::vector{1});"
      "(void)poolproof::make_initializer(twice, 1);"
      "(void)pool.submit(Add{s}, \"text\");"
      "(void)pool.submit_batch([](std::filesystem::path q) { return q; },"
      "                        std::vector<std::filesystem::path>());"
      "(void)pool.submit([](std::shared_ptr<const int> q) { return q; },"
      "                  std::make_shared<const int>(1));"
      "(void)pool.submit([] { return std::unique_ptr<const Person>(); });");
}

// Captures.
TEST_P(Compiler, refuses_a_captured_reference) {
  refuses("auto f = pool.submit([&n] { return n; });", kPassAsArgument);
}
TEST_P(Compiler, refuses_a_captured_pointer) {
  refuses("pool.submit([p] { return *p; }).get();", kPassAsArgument);
}
TEST_P(Compiler, refuses_a_captured_string) {
  refuses("auto f = pool.submit({.retries = 1}, [s] { return s.size(); });", kPassAsArgument);
}
TEST_P(Compiler, refuses_a_pointer_within_a_captured_struct) {
  refuses("Holds in{1, p}; auto f = pool.submit([in] { return *in.q; });", kPassAsArgument);
}
TEST_P(Compiler, refuses_a_function_object_that_holds_a_pointer) {
  refuses("auto f = pool.submit(Bound{p});", kPassAsArgument);
}
TEST_P(Compiler, refuses_a_function_that_hides_what_it_holds) {
  refuses("auto f = pool.submit(std::function<int()>([] { return 1; }));",
          "Pass the function or the lambda itself");
}
TEST_P(Compiler, refuses_a_bound_call) {
  refuses("auto f = pool.submit(std::bind([](int x) { return x; }, 1));",
          "as arguments of the call what was bound");
}
// Arguments.
TEST_P(Compiler, refuses_a_pointer_argument) {
  refuses("auto f = pool.submit([](int* q) { return *q; }, p);",
          "a pointer means nothing in another process");
}
TEST_P(Compiler, refuses_a_container_of_pointers) {
  refuses("auto f = pool.submit([](std::vector<int*> v) { return v.size(); }, std::vector{p});",
          "an argument is a pointer or holds one");
}
TEST_P(Compiler, refuses_a_pointer_within_a_struct) {
  refuses(
      "auto f = pool.submit([](std::optional<Holds> h) { return h->a; },"
      " std::optional(Holds{1, p}));",
      "an argument is a pointer or holds one");
}
TEST_P(Compiler, refuses_a_reference_within_a_struct) {
  refuses("auto f = pool.submit([](Refers r) { return r.a; }, Refers{1, n});",
          "none of them a reference");
}
TEST_P(Compiler, refuses_a_reference_wrapper) {
  refuses("auto f = pool.submit([](int& x) { return x; }, std::ref(n));", "Pass and return values");
}
TEST_P(Compiler, refuses_a_union_within_a_struct) {
  refuses("auto f = pool.submit([](Both b) { return b.a; }, Both());", "Use std::variant");
}
TEST_P(Compiler, refuses_bit_fields_within_a_struct) {
  refuses(
      "auto f = pool.submit([](std::vector<Bits> b) { return b.size(); }, std::vector<Bits>());",
      "a struct with bit-fields");
}
TEST_P(Compiler, refuses_a_struct_with_a_base_class) {
  refuses("auto f = pool.submit([](Derived d) { return d.z; }, Derived());", "no base class");
}
TEST_P(Compiler, refuses_a_struct_of_seventeen_members) {
  refuses("auto f = pool.submit([](Large l) { return l.a; }, Large());", "at most 16 members");
}
TEST_P(Compiler, refuses_a_volatile_member) {
  refuses("auto f = pool.submit([](Device d) { return int(d.x); }, Device());", kQualified);
}
TEST_P(Compiler, refuses_a_const_member) {
  refuses("auto f = pool.submit([](Fixed t) { return t.x; }, Fixed{1});", kQualified);
}
TEST_P(Compiler, refuses_elements_that_are_const_or_volatile) {
  refuses(
      "auto f = pool.submit([](std::optional<volatile int> o) { return bool(o); },"
      " std::optional<volatile int>());",
      kQualified);
  refuses("auto f = pool.submit([] { return std::tuple<int, const int>(); });", kQualified);
  refuses("auto f = pool.submit([] { return std::pair<const int, int>(); });", kQualified);
  refuses("auto f = pool.submit([] { return std::map<int, volatile int>(); });", kQualified);
  refuses("auto f = pool.submit([] { return std::shared_ptr<volatile int>(); });", kQualified);
}
TEST_P(Compiler, refuses_a_smart_pointer_to_an_array) {
  refuses("auto f = pool.submit([] { return std::unique_ptr<int[]>(); });", kPointerToArray);
  refuses("auto f = pool.submit([] { return std::shared_ptr<std::string[]>(); });",
          kPointerToArray);
  refuses("auto f = pool.submit([] { return std::shared_ptr<int[3]>(); });", kPointerToArray);
  refuses("auto f = pool.submit([] { return std::weak_ptr<int[]>(); });", kPointerToArray);
  refuses("auto f = pool.submit([] { return std::vector<Buffer>(); });", kPointerToArray);
}
TEST_P(Compiler, refuses_a_smart_pointer_to_a_class_that_is_only_declared) {
  refuses("auto f = pool.submit([] { return std::shared_ptr<Forward>(); });",
          "Give it cereal functions");
}
TEST_P(Compiler, refuses_an_atomic_number_and_a_mutex_within_a_struct) {
  refuses(
      "struct In { std::atomic<int> a; };"
      " auto f = pool.submit([](std::shared_ptr<In>) {}, std::shared_ptr<In>());",
      "Give it cereal functions");
  refuses(
      "struct In { std::mutex m; };"
      " auto f = pool.submit([](std::shared_ptr<In>) {}, std::shared_ptr<In>());",
      "Give it cereal functions");
}
TEST_P(Compiler, refuses_a_class_without_a_codec) {
  refuses("auto f = pool.submit([](NoCodec c) { return c.x; }, NoCodec(1));",
          "Give it cereal functions");
}
TEST_P(Compiler, refuses_a_class_without_a_codec_within_a_struct_in_a_container) {
  refuses(
      "struct In { std::function<void()> f; };"
      " auto f = pool.submit([](std::map<int, In> m) { return m.size(); }, std::map<int, In>());",
      "Give it cereal functions");
}
TEST_P(Compiler, refuses_a_future_as_an_argument) {
  refuses("auto f = pool.submit([](poolproof::Future<int>) {}, poolproof::Future<int>());",
          "call get() first");
}
// Results.
TEST_P(Compiler, refuses_a_pointer_as_a_result) {
  refuses("auto f = pool.submit([] { return \"text\"; });", "the result is a pointer");
}
TEST_P(Compiler, refuses_a_view_as_a_result) {
  refuses("auto f = pool.submit([](std::string_view t) { return t; }, s);",
          "Use std::string or std::vector");
}
TEST_P(Compiler, refuses_a_result_without_a_codec) {
  refuses("auto f = pool.submit([] { return std::thread(); });",
          "the result has, or holds, a type");
}
// The call.
TEST_P(Compiler, refuses_a_parameter_that_the_task_would_change) {
  refuses("auto f = pool.submit([](std::string& t) { t.clear(); }, s);",
          "return what it would change");
}
TEST_P(Compiler, refuses_too_few_arguments) {
  refuses("auto f = pool.submit([](int x, int y) { return x + y; }, 1);",
          "Compare their number and their types");
}
TEST_P(Compiler, refuses_an_overloaded_function) {
  refuses("auto f = pool.submit(overloaded, 3);", "submit");
}
TEST_P(Compiler, refuses_a_call_of_nothing) { refuses("auto f = pool.submit();", "submit"); }
TEST_P(Compiler, refuses_braces_as_an_argument) {
  refuses("auto f = pool.submit([](std::vector<int> v) { return v.size(); }, {1, 2});", "submit");
}
TEST_P(Compiler, refuses_a_method_without_its_object) {
  refuses("auto f = pool.submit(&Counter::next, 3);", "the object comes first");
}
// The other functions that take a call.
TEST_P(Compiler, refuses_the_same_in_a_batch) {
  refuses("auto f = pool.submit_batch([&n](int x) { return n + x; }, std::vector{1, 2});",
          kPassAsArgument);
}
TEST_P(Compiler, refuses_the_same_in_a_map) {
#if defined(__clang__) && __clang_major__ < 16
  GTEST_SKIP() << "this compiler knows no views";
#endif
  refuses(
      "for (int x : poolproof::map(pool, [&n](int y) { return n + y; }, std::vector{1})) (void)x;",
      kPassAsArgument);
}
TEST_P(Compiler, refuses_the_same_in_an_initializer) {
  refuses("auto i = poolproof::make_initializer([](int* q) { *q = 1; }, p);",
          "a pointer means nothing in another process");
}

TEST_P(Compiler, reads_cereal_only_for_headers_that_take_a_call) {
  const auto include = [](const std::string& header, const std::string& if_cereal) {
    return "#include <poolproof/" + header + ">\n#" + if_cereal +
           " CEREAL_CEREAL_HPP_\n#error here\n#endif\n";
  };
  for (const char* header : {"bytes.h", "co_await.h", "error.h", "future.h", "health.h",
                             "options.h", "wait.h", "worker.h", "cpu_count.h"}) {
    const Verdict verdict = compile(GetParam(), include(header, "ifdef"), "c++20");
    EXPECT_TRUE(verdict.compiles) << header << ": " << verdict.text;
  }
  // The others bring it, so that types with cereal's functions need no further header.
  for (const char* header : {"executor.h", "codec.h", "wire.h", "initializer.h", "task.h"}) {
    const Verdict verdict = compile(GetParam(), include(header, "ifndef"), "c++20");
    EXPECT_TRUE(verdict.compiles) << header << ": " << verdict.text;
  }
}

TEST_P(Compiler, of_an_older_standard_is_told_which_one_is_needed_and_nothing_else) {
  for (const char* header : {"executor.h", "future.h", "codec.h", "options.h", "reusable.h"}) {
    const Verdict verdict = compile(GetParam(),
                                    std::string("#include <poolproof/") + header + ">\n" +
                                        "int main() { poolproof::Executor pool; }\n",
                                    "c++17");
    EXPECT_FALSE(verdict.compiles);
    const std::size_t first = verdict.text.find("error:");
    EXPECT_NE(verdict.text.find("poolproof needs C++20: use -std=c++20", first), std::string::npos)
        << verdict.text;
    EXPECT_EQ(verdict.text.find("'poolproof'"), std::string::npos) << verdict.text;
    EXPECT_LE(std::count(verdict.text.begin(), verdict.text.end(), '\n'), 20) << verdict.text;
  }
}

INSTANTIATE_TEST_SUITE_P(Every, Compiler, testing::Values(POOLPROOF_GXX, POOLPROOF_CLANGXX),
                         [](const auto& param) {
                           return std::string(param.index == 0 ? "gxx" : "clangxx");
                         });

}  // namespace
