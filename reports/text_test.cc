#include "reports/text.h"

#include <gtest/gtest.h>

#include <string>

namespace poolproof::reports {
namespace {

TEST(Text, plain_text_of_any_language_is_left_as_it_is) {
  for (const char* plain : {"", "t5 (victim)", "Ünïcödé", "進程", "✗ hang", "a\tb\nc", "\\x1b"})
    EXPECT_EQ(escaped(plain), plain);
}

TEST(Text, no_control_character_gets_through) {
  EXPECT_EQ(escaped("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m");
  EXPECT_EQ(escaped("a\rb"), "a\\x0db");
  EXPECT_EQ(escaped(std::string("\0\x7f", 2)), "\\x00\\x7f");
  EXPECT_EQ(escaped("\xc2\x9b"
                    "31m"),
            "\\u{9b}31m")
      << "CSI in one character";
}

TEST(Text, no_character_that_hides_or_turns_the_line_gets_through) {
  EXPECT_EQ(escaped("\xe2\x80\xae"
                    "gnp"),
            "\\u{202e}gnp");
  EXPECT_EQ(escaped("a\xe2\x80\x8b"
                    "b"),
            "a\\u{200b}b");
  EXPECT_EQ(escaped("\xef\xbb\xbf"), "\\u{feff}");
  EXPECT_EQ(escaped("\xf3\xa0\x80\x81"), "\\u{e0001}");
}

TEST(Text, bytes_that_are_no_utf8_are_shown_one_by_one) {
  EXPECT_EQ(escaped("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(escaped("\xc3"), "\\xc3") << "cut in a character";
  EXPECT_EQ(escaped("\xc0\xaf"), "\\xc0\\xaf") << "overlong";
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "surrogate";
  EXPECT_EQ(escaped("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond Unicode";
}

TEST(Text, of_all_bytes_only_newline_and_tab_are_control_characters_that_stay) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const char c : escaped(std::string("a") + static_cast<char>(byte))) {
      const auto seen = static_cast<unsigned char>(c);
      EXPECT_TRUE((seen >= 0x20 && seen < 0x7f) || c == '\n' || c == '\t') << byte;
    }
  }
}

TEST(Text, width_counts_columns_and_not_bytes) {
  EXPECT_EQ(width_of("abc"), 3);
  EXPECT_EQ(width_of("✗ é"), 3);
  EXPECT_EQ(width_of("進程"), 4);
  EXPECT_EQ(width_of("e\xcc\x81"), 1);
  EXPECT_EQ(padded("✗", 4), "✗   ");
  EXPECT_EQ(cut_to("abcdef", 4), "abc…");
  EXPECT_EQ(cut_to("abcd", 4), "abcd");
}

TEST(Text, lines_break_at_spaces_and_no_line_is_too_wide) {
  const auto lines = wrapped("one two three four", 9);
  EXPECT_EQ(lines, (std::vector<std::string>{"one two", "three", "four"}));
  for (const auto& line : wrapped(std::string(50, 'x') + " y", 9)) EXPECT_LE(width_of(line), 9);
  EXPECT_EQ(wrapped("", 9).size(), 1u);
  EXPECT_EQ(wrapped("a\nb", 9), (std::vector<std::string>{"a", "b"}));
}

TEST(Text, a_name_breaks_at_its_seams) {
  EXPECT_EQ(wrapped_name("concurrent_futures_fork", 14),
            (std::vector<std::string>{"concurrent_", "futures_fork"}));
  EXPECT_EQ(wrapped_name("multiprocessing_pool", 15),
            (std::vector<std::string>{"multiprocessing", "_pool"}));
  EXPECT_EQ(wrapped_name("workerpool@6.0.1", 15),
            (std::vector<std::string>{"workerpool@", "6.0.1"}));
  EXPECT_EQ(wrapped_name("reference", 14), (std::vector<std::string>{"reference"}));
}

}  // namespace
}  // namespace poolproof::reports
