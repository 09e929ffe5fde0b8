#include <poolproof/executor.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

// A plain struct needs nothing: it travels with its members.
struct Order {
  std::string item;
  std::vector<double> prices;
};

// A class tells cereal what it is made of.
class Account {
 public:
  Account() = default;
  explicit Account(double balance) : balance_(balance) {}
  double after(const Order& order) const { return balance_ - order.prices.at(0); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(balance_);
  }

 private:
  double balance_ = 0;
};

// A type that cannot be changed, or whose values must be checked, gets a Codec.
struct Picture {
  int width = 0, height = 0;
  std::shared_ptr<std::vector<unsigned char>> pixels;
};

template <>
struct poolproof::Codec<Picture> {
  static void encode(WireWriter& out, const Picture& picture) {
    if (!picture.pixels) throw std::invalid_argument("a picture without pixels");
    out(picture.width, picture.height, *picture.pixels);
  }
  static Picture decode(WireReader& in) {
    Picture picture{.pixels = std::make_shared<std::vector<unsigned char>>()};
    in(picture.width, picture.height, *picture.pixels);
    return picture;
  }
};

// A function object that holds more than numbers travels in the same ways.
struct Greet {
  std::string greeting;
  std::string operator()(const std::string& name) const { return greeting + ", " + name; }
};

int main() {
  poolproof::Executor pool({.workers = 1});

  const Order order{"tea", {2.5, 3.5}};
  auto total =
      pool.submit([](const Order& each) { return each.prices[0] + each.prices[1]; }, order);
  std::cout << order.item << " costs " << total.get() << "\n";

  // For a method, the object comes first. The worker has a copy of it.
  auto left = pool.submit(&Account::after, Account(10), order);
  std::cout << "left " << left.get() << "\n";
  std::cout << pool.submit(Greet{"Hello"}, "Ada").get() << "\n";

  const Picture picture{2, 1, std::make_shared<std::vector<unsigned char>>(2, 200)};
  auto first = pool.submit([](const Picture& each) { return int{each.pixels->at(0)}; }, picture);
  std::cout << "first pixel " << first.get() << "\n";

  // What cannot be encoded ends its own task, and never reaches a worker.
  auto refused = pool.submit([](const Picture& each) { return each.width; }, Picture{});
  try {
    refused.get();
  } catch (const poolproof::EncodeError& error) {
    std::cout << error.what() << "\n";
  }
}
