// What tasks do, in the workers: the closed list of conformance/protocol/protocol.md.
#pragma once

#include <string>

#include "conformance/adapters/cpp/ledger.h"

namespace poolproof::adapter {

// A value is JSON text, which no body looks into.
std::string echo(Place place, std::string value);
std::string rendezvous(Place place, std::string value);

std::string large(Place place, int bytes);  // so many letters: no JSON text

enum class Role { kArgument, kResult };

// What `carry` sends (as its argument) or brings back (as its result): an object whose encoding or
// decoding stands at the point that is named `stage`, if that is one of its role's two. Its save
// and load are cereal's, and need no more of cereal than that the archive is callable.
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
    archive(place, stage, value);  // first, since it says where to stand
    stand_if(role == Role::kArgument ? "decode-args" : "decode-result");
  }

 private:
  void stand_if(const char* point) const;
};

using CarriedArgument = Carried<Role::kArgument>;
using CarriedResult = Carried<Role::kResult>;

CarriedResult carry(CarriedArgument argument);

}  // namespace poolproof::adapter
