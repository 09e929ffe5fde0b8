#include <poolproof/executor.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

// A struct travels once it says to cereal what it is made of.
struct Order {
  std::string item;
  std::vector<double> prices;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(item, prices);
  }
};

// A type that cannot be changed, or that cereal does not suit, gets a Codec.
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

int main() {
  poolproof::Executor pool({.workers = 1});

  const Order order{"tea", {2.5, 3.5}};
  auto total =
      pool.submit([](const Order& each) { return each.prices[0] + each.prices[1]; }, order);
  std::cout << order.item << " costs " << total.get() << "\n";

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
