#include "conformance/adapters/cpp/bodies.h"

#include <utility>

#include "conformance/adapters/cpp/rendezvous.h"

namespace poolproof::adapter {

std::string echo(Place place, std::string value) {
  write_ledger(place, Entry::kStart);
  write_ledger(place, Entry::kEnd);
  return value;
}

std::string rendezvous(Place place, std::string value) {
  write_ledger(place, Entry::kStart);
  stand_at(place, "running");
  write_ledger(place, Entry::kEnd);
  return value;
}

std::string large(Place place, int bytes) {
  write_ledger(place, Entry::kStart);
  stand_at(place, "running");
  std::string result(static_cast<std::size_t>(bytes), 'x');
  write_ledger(place, Entry::kEnd);
  return result;
}

CarriedResult carry(CarriedArgument argument) {
  write_ledger(argument.place, Entry::kStart);
  write_ledger(argument.place, Entry::kEnd);
  return {std::move(argument.place), std::move(argument.stage), std::move(argument.value)};
}

template <Role role>
void Carried<role>::stand_if(const char* point) const {
  if (stage == point) stand_at(place, point);
}

template struct Carried<Role::kArgument>;
template struct Carried<Role::kResult>;

}  // namespace poolproof::adapter
