// SHA-256 of what is written piece by piece, for the footer of a record: is the file still as it
// was written?
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

namespace poolproof::conformance {

// All functions throw std::runtime_error if OpenSSL refuses: it may be configured so that it offers
// no SHA-256.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view bytes);
  std::string hex() const;  // 64 digits, for all bytes so far; more bytes may be added afterwards

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace poolproof::conformance
