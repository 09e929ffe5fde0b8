// Changes to a record that leave it readable, so that they reach the judge and the reports: random
// bytes would mostly be refused as damage.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace poolproof::fuzz {

// One line is dropped, repeated or moved, or one value in it is removed, replaced or swapped with
// another. `text` has lines as in a record; the same seed gives the same change.
std::string changed(std::string_view text, std::uint32_t seed);

}  // namespace poolproof::fuzz
