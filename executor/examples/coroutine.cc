#include <poolproof/co_await.h>
#include <poolproof/executor.h>

#include <coroutine>
#include <exception>
#include <future>
#include <iostream>
#include <string>

// Any coroutine type will do: this one ends a std::future.
struct Flow {
  struct promise_type {
    std::promise<std::string> end;
    Flow get_return_object() { return {end.get_future()}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_value(std::string value) { end.set_value(std::move(value)); }
    void unhandled_exception() { end.set_exception(std::current_exception()); }
  };
  std::future<std::string> result;
};

// Reads as if it ran here; no thread is held while the tasks run.
Flow describe(poolproof::Executor& pool, std::string text) {
  const std::size_t length =
      co_await pool.submit([](const std::string& t) { return t.size(); }, text);
  const std::size_t square = co_await pool.submit([](std::size_t n) { return n * n; }, length);
  try {
    co_await pool.submit([] { throw std::string("no more"); });
  } catch (const poolproof::TaskError& error) {
    text += " (" + error.text() + ")";
  }
  co_return text + ": " + std::to_string(square);
}

int main() {
  poolproof::Executor pool({.workers = 1});
  Flow flow = describe(pool, "seven..");
  std::cout << flow.result.get() << "\n";
}
