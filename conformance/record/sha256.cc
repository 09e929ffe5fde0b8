#include "conformance/record/sha256.h"

#include <array>
#include <stdexcept>

namespace poolproof::conformance {
namespace {

// OpenSSL's functions return 1, or 0 for a failure.
void require(int done) {
  if (done != 1) {
    throw std::runtime_error(
        "OpenSSL cannot compute SHA-256, which each record ends with; look at its configuration "
        "(openssl dgst -sha256 /dev/null)");
  }
}

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr ? EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) : 0);
}

void Sha256::add(std::string_view bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

std::string Sha256::hex() const {
  Sha256 ending;  // a copy, because nothing can be added to a digest that has ended
  require(EVP_MD_CTX_copy_ex(ending.context_.get(), context_.get()));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  require(EVP_DigestFinal_ex(ending.context_.get(), digest.data(), &size));
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += "0123456789abcdef"[digest.at(i) >> 4];
    text += "0123456789abcdef"[digest.at(i) & 0xf];
  }
  return text;
}

}  // namespace poolproof::conformance
