// Is this one of the words that a scenario file may use, and which one was meant?
#pragma once

#include <string>
#include <string_view>

#include "generated/words.h"

namespace poolproof::scenarios {

using words::WordList;

WordList effects();  // with their parameters named: kill, signal:NAME, exit:CODE ...

bool contains(WordList words, std::string_view word);

// Also "exit:3" and "signal:KILL", each in one spelling only ("exit:03" and "signal:SIGKILL" are
// not causes).
bool is_cause(std::string_view word);

// The word that was probably meant, or "" if none is near. Upper and lower case, and - and _, count
// as equal.
std::string nearest(std::string_view word, WordList words);

// "echo, rendezvous, carry"
std::string listed(WordList words);

}  // namespace poolproof::scenarios
