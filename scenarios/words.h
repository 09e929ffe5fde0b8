// The closed lists of words that a scenario file may use, and the nearest word to a misspelt one.
//
// The lists are those of conformance/protocol/protocol.md; words_test.cc checks that both agree.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace poolproof::scenarios {

using WordList = std::span<const std::string_view>;

WordList bodies();        // echo, rendezvous ...
WordList stages();        // of carry: encode-args ...
WordList capabilities();  // worker_processes ...
WordList kinds();         // of outcomes: value, worker-lost ...
WordList causes();        // those without a parameter: oom-kill, frozen ...
WordList certainties();   // not-started, ran, unknown
WordList closings();      // drain, cancel, kill: the gentlest first
WordList levels();        // must, should, informs
WordList exhaustible();   // what a task can use up: memory, files ...
WordList deniable();      // what the whole run can be denied: processes, files ...
WordList effects();       // with their parameters named: kill, signal:NAME, exit:CODE ...

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
