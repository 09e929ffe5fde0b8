#include "executor/transport/frame.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "executor/transport/crc32c.h"
#include "executor/transport/thrown.h"
#include "poolproof/task.h"

namespace poolproof::transport {
namespace {

Bytes bytes(std::string_view text) {
  Bytes made(text.size());
  std::memcpy(made.data(), text.data(), text.size());
  return made;
}

TEST(Crc32c, gives_the_check_value_of_rfc_3720) {
  EXPECT_EQ(crc32c(bytes("123456789")), 0xE3069283u);
  EXPECT_EQ(crc32c(Bytes(32)), 0x8A9136AAu);
}

TEST(Crc32c, is_the_same_by_instruction_and_by_table_in_parts_or_whole) {
  Bytes all(1000);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::byte>(i * 37);
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{993}}) {
    const auto head = std::span(all).first(cut), tail = std::span(all).subspan(cut);
    EXPECT_EQ(crc32c(tail, crc32c(head)), crc32c_by_table(all));
  }
}

TEST(Frame, has_the_header_that_its_page_describes) {
  const Bytes whole = to_bytes(Frame{FrameKind::kValue, 0x0102030405060708, bytes("ab")});
  ASSERT_EQ(whole.size(), kHeaderSize + 2);
  const unsigned char expected[] = {'1', 'P', 'P', 'F', 1, 7, 0, 0, 8, 7, 6, 5,
                                    4,   3,   2,   1,   2, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(std::memcmp(whole.data(), expected, sizeof(expected)), 0);
}

TEST(FrameParser, gives_whole_frames_from_single_bytes) {
  const Frame sent{FrameKind::kOffer, 7, bytes("payload")};
  FrameParser parser(100);
  for (const std::byte byte : to_bytes(sent)) {
    EXPECT_EQ(parser.next(), std::nullopt);
    parser.feed({&byte, 1});
  }
  EXPECT_EQ(parser.next(), sent);
  EXPECT_FALSE(parser.torn());
}

TEST(FrameParser, calls_half_a_frame_torn_and_gives_nothing) {
  const Bytes whole = to_bytes(Frame{FrameKind::kOffer, 7, bytes("payload")});
  FrameParser parser(100);
  parser.feed(std::span(whole).first(whole.size() - 1));
  EXPECT_TRUE(parser.torn());
  EXPECT_EQ(parser.next(), std::nullopt);
  EXPECT_EQ(parser.error(), std::nullopt);
}

TEST(FrameParser, refuses_a_length_above_its_limit_before_the_payload_comes) {
  FrameParser parser(99);
  const Bytes whole = to_bytes(Frame{FrameKind::kOffer, 7, Bytes(100)});
  parser.feed(std::span(whole).first(kHeaderSize));
  ASSERT_TRUE(parser.error());
  EXPECT_NE(parser.error()->find("claims 100 bytes"), std::string::npos) << *parser.error();
}

TEST(FrameParser, allocates_nothing_for_a_length_that_was_merely_claimed) {
  // A header that claims 900 GB, under a limit that allows it: only the bytes that come cost
  // memory.
  Header header = make_header(FrameKind::kValue, 1, nullptr);
  header[16 + 4] = std::byte{200};
  FrameParser parser(std::size_t{1} << 40);
  parser.feed(header);
  parser.feed(Bytes(10));
  EXPECT_EQ(parser.error(), std::nullopt);
  EXPECT_TRUE(parser.torn());
}

TEST(FrameParser, gives_the_frames_before_the_garbage_and_nothing_after) {
  Bytes stream = to_bytes(Frame{FrameKind::kHello, 0, {}});
  for (const std::byte byte : bytes("GET / HTTP/1.1\r\nHost: example.org\r\n"))
    stream.push_back(byte);
  for (const std::byte byte : to_bytes(Frame{FrameKind::kHello, 0, {}})) stream.push_back(byte);
  FrameParser parser(100);
  parser.feed(stream);
  EXPECT_TRUE(parser.next());
  EXPECT_EQ(parser.next(), std::nullopt);
  EXPECT_TRUE(parser.error());
}

TEST(FrameParser, digests_what_it_has_heard_frame_by_frame_and_tells_half_frames_apart) {
  const Frame hello{FrameKind::kHello, 0, {}}, value{FrameKind::kValue, 7, bytes("payload")};
  FrameParser parser(100);
  parser.feed(to_bytes(hello));
  const std::uint32_t after_hello = parser.digest();
  EXPECT_EQ(after_hello, extend_digest(0, make_header(FrameKind::kHello, 0, nullptr)));
  const Bytes whole = to_bytes(value);
  parser.feed(std::span(whole).first(5));
  EXPECT_NE(parser.digest(), after_hello);
  parser.feed(std::span(whole).subspan(5));
  const Payload payload(value.payload);
  EXPECT_EQ(parser.digest(),
            extend_digest(after_hello, make_header(FrameKind::kValue, 7, &payload)));
}

TEST(Failures, survive_the_way_and_what_is_no_failure_is_refused) {
  for (const detail::Step step :
       {detail::Step::kDecodeArgs, detail::Step::kRun, detail::Step::kEncodeResult}) {
    Failure thrown = describe_thrown(origin_of(step), std::make_exception_ptr(std::system_error(
                                                          ENOENT, std::generic_category())));
    thrown.nested = {{"int", "3", {}}};
    const Bytes encoded = to_bytes(thrown);
    thrown.task = 7;
    thrown.started = true;
    EXPECT_EQ(parse_failure(encoded, 7), thrown);
    for (std::size_t size = 0; size < encoded.size(); ++size) {
      EXPECT_EQ(parse_failure(std::span(encoded).first(size), 7), std::nullopt);
    }
    Bytes no_such_step = encoded;
    no_such_step.front() = std::byte{3};
    EXPECT_EQ(parse_failure(no_such_step, 7), std::nullopt);
  }
}

TEST(Exceptions, are_told_in_one_line_with_their_causes_and_no_text_twice) {
  const auto nested = [] {
    try {
      throw std::bad_alloc();
    } catch (...) {
      std::throw_with_nested(std::runtime_error("no room"));
    }
  };
  try {
    nested();
    FAIL();
  } catch (...) {
    EXPECT_EQ(in_words(std::current_exception()),
              "std::runtime_error: no room; caused by std::bad_alloc");
  }
  EXPECT_EQ(in_words(std::make_exception_ptr(42)), "int: 42");
}

}  // namespace
}  // namespace poolproof::transport
