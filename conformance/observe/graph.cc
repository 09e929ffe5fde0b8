#include "conformance/observe/graph.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "conformance/observe/findings.h"

namespace poolproof::hang {
namespace {

using nlohmann::json;
using Standing = ThreadProof::Standing;

std::string sentence_of(const Wish& wish) {
  const bool from_socket = wish.object.kind == Object::Kind::unix_socket;
  std::string text = wish.listening ? "for somebody to connect to " : "";
  if (text.empty()) text = wish.in && wish.out ? "for " : wish.in ? "for input from " : "";
  if (text.empty()) text = wish.out ? "for room in " : "for the end of ";
  if (wish.object.kind == Object::Kind::pidfd)
    text = "for the end of process " + std::to_string(wish.target) + " by ";
  text += wish.object.name + " (descriptor " + std::to_string(wish.fd);
  if (from_socket && wish.peer.kind != Object::Kind::none)
    text += ", whose other end is " + wish.peer.name;
  if (wish.queued && *wish.queued == 0 && wish.in) text += ", empty";
  if (wish.queued && *wish.queued > 0) text += ", " + std::to_string(*wish.queued) + " bytes in it";
  return text + ")";
}

std::string sentence_of(const FutexWait& futex) {
  std::string text =
      futex.semaphore ? "for a semaphore or lock without an owner" : "for a lock or condition";
  if (futex.owner)
    text = "for a lock that thread " + std::to_string(*futex.owner) + " holds" +
           (futex.owner_lives ? "" : ", which is dead");
  if (!futex.shared) return text + ", in memory of its own process";
  return text + ", in memory shared as " + futex.path;
}

std::string sentence_of_children(pid_t child) {
  if (child > 0) return "for the end of its child " + std::to_string(child);
  return child == -1 ? "for the end of any of its children" : "for the end of a child of a group";
}

// Control characters of a thread's name must not reach a terminal.
std::string plain(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

std::string wakers_text(const ThreadProof& thread) {
  std::map<pid_t, std::vector<int>> by_process;
  for (const Waker& waker : thread.wakers) {
    auto& fds = by_process[waker.pid];
    if (waker.fd >= 0) fds.push_back(waker.fd);
  }
  std::string text;
  for (const auto& [pid, fds] : by_process) {
    text += text.empty() ? "" : " or ";
    text += pid == thread.pid ? "its own process" : "process " + std::to_string(pid);
    if (fds.empty()) continue;
    text += fds.size() > 1 ? " (descriptors" : " (descriptor";
    for (std::size_t i = 0; i < fds.size(); ++i)
      text += (i == 0 ? " " : ", ") + std::to_string(fds[i]);
    text += ")";
  }
  return text;
}

std::map<pid_t, const ThreadProof*> proofs_of(const Proof& proof) {
  std::map<pid_t, const ThreadProof*> by_thread;
  for (const ThreadProof& thread : proof.threads) by_thread[thread.tid] = &thread;
  return by_thread;
}

std::string thread_text(const ThreadLook& thread, const ThreadProof* proof) {
  std::string text = "  thread " + std::to_string(thread.tid) + " (" + plain(thread.name) + ") " +
                     sentence_of(thread) + "\n";
  if (proof == nullptr) return text;
  if (proof->standing != Standing::stuck)
    return text + "    " + word_for(proof->standing) + ": " + proof->reason + "\n";
  const std::string wakers = wakers_text(*proof);
  if (wakers.empty()) return text + "    stuck: nobody is left who could wake it\n";
  return text + "    stuck: only " + wakers + " could wake it, and can never run again\n";
}

json thread_json(const ThreadLook& thread, const ThreadProof* proof) {
  json entry = {{"tid", thread.tid},
                {"name", plain(thread.name)},
                {"call", thread.wait.call},
                {"waits", sentence_of(thread)}};
  if (proof == nullptr) return entry;
  entry["standing"] = word_for(proof->standing);
  entry["reason"] = proof->reason;
  entry["wakers"] = json::array();
  for (const Waker& waker : proof->wakers) {
    json one = {{"pid", waker.pid}};
    if (waker.fd >= 0) one["fd"] = waker.fd;
    entry["wakers"].push_back(std::move(one));
  }
  return entry;
}

std::string counted(std::ptrdiff_t number, const char* one, const char* many) {
  return std::to_string(number) + " " + (number == 1 ? one : many);
}

std::string headline(const Look& look, const Proof& proof) {
  const auto living = std::count_if(look.processes.begin(), look.processes.end(),
                                    [](const ProcessLook& process) { return !process.dead; });
  const std::string size = counted(std::ssize(proof.threads), "thread", "threads") + " in " +
                           counted(living, "living process", "living processes");
  std::string text = std::string(word_for(proof.verdict)) + ": " + proof.reason + "\n";
  switch (proof.verdict) {
    case Verdict::hung:
      return text + "(" + size + "; none of them can ever run again)\n";
    case Verdict::quiet:
      return text + "(" + size + "; none of them ran, but that may still come)\n";
    case Verdict::busy:
      return text + "(" + size + "; something still happens)\n";
    case Verdict::undecided:
      return text + "(" + size + "; no more can be said)\n";
  }
  return text;
}

// ", a child of 12,"
std::string place_in(const Look& look, const ProcessLook& process) {
  for (const ProcessLook& other : look.processes)
    if (other.pid == process.parent)
      return ", a child of " + std::to_string(other.pid) + (process.dead ? "," : "");
  return "";
}

}  // namespace

std::string sentence_of(const ThreadLook& thread) {
  const Wait& wait = thread.wait;
  const std::string limit = wait.timed ? ", with a time limit" : "";
  switch (wait.kind) {
    case Wait::Kind::running:
      return "runs";
    case Wait::Kind::descriptors: {
      std::string text = "waits in " + wait.call + limit + " ";
      for (std::size_t i = 0; i < wait.wishes.size(); ++i)
        text += (i == 0 ? "" : ", or ") + sentence_of(wait.wishes[i]);
      return text;
    }
    case Wait::Kind::futex:
      return "waits" + limit + " " + sentence_of(wait.futex);
    case Wait::Kind::children:
      return "waits " + sentence_of_children(wait.child);
    case Wait::Kind::file_lock:
      return "waits for a lock on " + wait.locked.name;
    case Wait::Kind::sleep:
      return "sleeps";
    case Wait::Kind::signal:
      return "waits in " + wait.call + limit + " for a signal";
    case Wait::Kind::unknown:
      return "waits in " + (wait.call.empty() ? "an unknown way" : wait.call);
  }
  return "";
}

std::string graph_text(const Look& look, const Proof& proof) {
  std::string text = headline(look, proof);
  const auto findings = findings_of(look, proof);
  if (!findings.empty()) text += "\nfound:\n";
  for (const Finding& finding : findings)
    text += std::string("  ") + word_for(finding.kind) + ": " + finding.text + "\n";
  const auto proofs = proofs_of(proof);
  for (const ProcessLook& process : look.processes) {
    text += "\n" + name_of(process) + place_in(look, process) +
            (process.dead ? " " + end_of(process) : "") + "\n";
    if (!process.unseen.empty()) text += "  we may not look into it: " + process.unseen + "\n";
    for (const ThreadLook& thread : process.threads) {
      const auto found = proofs.find(thread.tid);
      text += thread_text(thread, found == proofs.end() ? nullptr : found->second);
    }
  }
  if (!proof.provided.empty()) text += "\nprovided that:\n";
  for (const std::string& one : proof.provided) text += "  " + one + "\n";
  return text;
}

json graph_json(const Look& look, const Proof& proof) {
  json processes = json::array();
  const auto proofs = proofs_of(proof);
  for (const ProcessLook& process : look.processes) {
    json threads = json::array();
    for (const ThreadLook& thread : process.threads) {
      const auto found = proofs.find(thread.tid);
      threads.push_back(thread_json(thread, found == proofs.end() ? nullptr : found->second));
    }
    json entry = {{"pid", process.pid},
                  {"parent", process.parent},
                  {"name", process.name},
                  {"dead", process.dead},
                  {"threads", std::move(threads)}};
    if (process.dead) entry["exit_status"] = process.exit_status;
    if (!process.unseen.empty()) entry["unseen"] = process.unseen;
    processes.push_back(std::move(entry));
  }
  json findings = json::array();
  for (const Finding& finding : findings_of(look, proof))
    findings.push_back({{"kind", word_for(finding.kind)},
                        {"pid", finding.pid},
                        {"tid", finding.tid},
                        {"processes", finding.processes},
                        {"text", finding.text}});
  return {{"verdict", word_for(proof.verdict)},
          {"reason", proof.reason},
          {"provided", proof.provided},
          {"processes", std::move(processes)},
          {"findings", std::move(findings)}};
}

}  // namespace poolproof::hang
