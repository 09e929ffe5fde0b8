// What tasks do, in the workers: the closed list of conformance/protocol/protocol.md.
#pragma once

#include <string>

#include "conformance/adapters/cpp/ledger.h"

namespace poolproof::adapter {

// A value is JSON text; no body reads it.
std::string echo(Place place, std::string value);
std::string rendezvous(Place place, std::string value);

std::string large(Place place, int bytes);  // so many letters; this is not JSON text

enum class Role { kArgument, kResult };

// What `carry` sends as its argument or returns as its result: an object that meets the harness
// while it is encoded or decoded, at the point `stage`, if that is one of the two stages of its
// role. Its save and load are cereal's. Of the archive they need only that it is callable.
template <Role role>
struct Carried {
  Place place;
  std::string stage;
  std::string value;

  template <class Archive>
  void save(Archive& archive) const {
    stand_if(role == Role::kArgument ? "encode-args" : "encode-result");
    archive(place, stage, value);
  }

  template <class Archive>
  void load(Archive& archive) {
    archive(place, stage, value);  // first, because it says where to meet
    stand_if(role == Role::kArgument ? "decode-args" : "decode-result");
  }

 private:
  void stand_if(const char* point) const;
};

using CarriedArgument = Carried<Role::kArgument>;
using CarriedResult = Carried<Role::kResult>;

CarriedResult carry(CarriedArgument argument);

}  // namespace poolproof::adapter
