#include "conformance/record/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace poolproof::conformance {
namespace {

std::string digest(std::string_view text) {
  Sha256 sha;
  sha.add(text);
  return sha.hex();
}

// Vectors of FIPS 180-2, appendix B, and of the NIST example for the empty message.
TEST(Sha256, the_published_vectors_come_out) {
  EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, any_cut_of_the_bytes_gives_the_same_digest) {
  const std::string text(200, 'x');
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 sha;
    sha.add(std::string_view(text).substr(0, cut));
    EXPECT_EQ(sha.hex(), digest(std::string_view(text).substr(0, cut)));
    sha.add(std::string_view(text).substr(cut));
    EXPECT_EQ(sha.hex(), digest(text)) << "cut at " << cut;
  }
}

}  // namespace
}  // namespace poolproof::conformance
