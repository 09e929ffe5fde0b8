// Where code is, in terms that another process of the same program understands: which file, and the
// offset in it.
//
// A file is identified by its build id. If it has none (-Wl,--build-id=none, lld), it is identified
// by what is loaded of it: its program headers and its read-only segments. Name, inode, size and
// times are not used, because the file may be touched, renamed, replaced or deleted while the
// program runs.
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "executor/os/file.h"
#include "executor/transport/crc32c.h"
#include "poolproof/task.h"

namespace poolproof::detail {
namespace {

using Phdr = ElfW(Phdr);
using transport::crc32c;

std::uint64_t hash(std::string_view bytes) {  // FNV-1a
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const char byte : bytes) sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return sum;
}

// The build id in one block of ELF notes; empty if it has none.
std::string_view build_id_in(const char* at, std::size_t size) {
  const char* end = at + size;
  while (static_cast<std::size_t>(end - at) >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, at, sizeof(note));
    at += sizeof(note);
    const std::size_t name_size = (note.n_namesz + std::size_t{3}) & ~std::size_t{3};
    const std::size_t id_size = (note.n_descsz + std::size_t{3}) & ~std::size_t{3};
    if (static_cast<std::size_t>(end - at) < name_size + id_size) break;
    if (note.n_type == NT_GNU_BUILD_ID &&
        std::string_view(at, note.n_namesz) == std::string_view("GNU", 4)) {
      return {at + name_size, note.n_descsz};
    }
    at += name_size + id_size;
  }
  return {};
}

std::span<const Phdr> parts_of(const dl_phdr_info& module) {
  return {module.dlpi_phdr, module.dlpi_phnum};
}

// The loader writes relocations into the code of this file, so each process has different bytes.
bool has_relocated_code(const dl_phdr_info& module) {
  for (const Phdr& part : parts_of(module)) {
    if (part.p_type != PT_DYNAMIC) continue;
    const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(module.dlpi_addr + part.p_vaddr);
    for (; entry->d_tag != DT_NULL; ++entry) {
      if (entry->d_tag == DT_TEXTREL) return true;
      if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0) return true;
    }
  }
  return false;
}

bool read_all(int file, std::uint64_t offset, std::span<std::byte> into) {
  while (!into.empty()) {
    const ssize_t size = pread(file, into.data(), into.size(), static_cast<off_t>(offset));
    if (size <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(size));
    offset += static_cast<std::uint64_t>(size);
  }
  return true;
}

// Whether this file is the one that is mapped at an address: the name may by now be another's.
bool is_mapped_at(int file, ElfW(Addr) address) {
  struct stat found {};
  if (fstat(file, &found) != 0) return false;
  std::istringstream maps(os::read_file("/proc/self/maps").value_or(""));
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t start = 0, end = 0;
    unsigned device_major = 0, device_minor = 0;
    std::uint64_t inode = 0;
    const int fields = std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %*s %*s %x:%x %" SCNu64,
                                   &start, &end, &device_major, &device_minor, &inode);
    if (fields != 5 || address < start || address >= end) continue;
    return inode == found.st_ino && device_major == major(found.st_dev) &&
           device_minor == minor(found.st_dev);
  }
  return false;
}

bool has_headers_of(int file, const dl_phdr_info& module) {
  ElfW(Ehdr) header{};
  std::vector<Phdr> parts(module.dlpi_phnum);
  return read_all(file, 0, std::as_writable_bytes(std::span(&header, 1))) &&
         header.e_phnum == module.dlpi_phnum &&
         read_all(file, header.e_phoff, std::as_writable_bytes(std::span(parts))) &&
         std::memcmp(parts.data(), module.dlpi_phdr, parts.size() * sizeof(Phdr)) == 0;
}

// The file that a module was loaded from; -1: it cannot be opened, or is not that file. The
// program's own is found whatever has become of its name, a library's only by its name.
int open_file_of(const dl_phdr_info& module) {
  const bool is_program = module.dlpi_name == nullptr || module.dlpi_name[0] == '\0';
  // Not to wait for a writer, should there be a FIFO of that name now.
  const int file = open(is_program ? "/proc/self/exe" : module.dlpi_name,
                        O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return -1;
  // The program itself may have been started through the loader, whose file /proc/self/exe is then.
  const bool is_the_one =
      (is_program || is_mapped_at(file, reinterpret_cast<ElfW(Addr)>(module.dlpi_phdr))) &&
      has_headers_of(file, module);
  if (is_the_one) return file;
  close(file);
  return -1;
}

std::optional<std::uint32_t> sum_in_file(int file, const Phdr& part, std::uint32_t sum) {
  std::array<std::byte, 1 << 16> piece;
  for (std::uint64_t at = 0; at < part.p_filesz; at += piece.size()) {
    const auto here = std::span(piece).first(std::min<std::uint64_t>(1 << 16, part.p_filesz - at));
    if (!read_all(file, part.p_offset + at, here)) return std::nullopt;
    sum = crc32c(here, sum);
  }
  return sum;
}

// Of the same bytes, wherever they are taken from. The file is preferred to the memory, because a
// debugger writes its breakpoints into the memory of one process only.
std::uint32_t sum_of_segment(const dl_phdr_info& module, int file, const Phdr& part,
                             std::uint32_t sum) {
  if (file >= 0) {
    if (const auto found = sum_in_file(file, part, sum)) return *found;
  }
  const auto* start = reinterpret_cast<const std::byte*>(module.dlpi_addr + part.p_vaddr);
  return crc32c({start, part.p_filesz}, sum);
}

std::uint64_t key_by_contents(const dl_phdr_info& module) {
  std::uint32_t contents = 0;
  if (!has_relocated_code(module)) {
    const int file = open_file_of(module);
    for (const Phdr& part : parts_of(module)) {
      const bool fixed = part.p_type == PT_LOAD && (part.p_flags & (PF_R | PF_W)) == PF_R;
      if (fixed) contents = sum_of_segment(module, file, part, contents);
    }
    if (file >= 0) close(file);
  }
  return std::uint64_t{crc32c(std::as_bytes(parts_of(module)))} << 32 | contents;
}

// The known keys by content: a list that only grows, so that a fork never finds a lock held.
struct Known {
  const Phdr* headers = nullptr;
  ElfW(Addr) address = 0;
  std::atomic<unsigned long long> unloads = 0;  // libraries unloaded when it was computed
  std::uint64_t key = 0;
  Known* next = nullptr;
};
std::atomic<Known*> known_keys = nullptr;

std::uint64_t cached_key_by_contents(const dl_phdr_info& module) {
  Known* same_place = nullptr;
  for (Known* each = known_keys.load(); each != nullptr; each = each->next) {
    if (each->headers != module.dlpi_phdr || each->address != module.dlpi_addr) continue;
    if (each->unloads == module.dlpi_subs) return each->key;
    same_place = each;
  }
  // A library was unloaded since then, so another one may be at this place.
  const std::uint64_t key = key_by_contents(module);
  if (same_place != nullptr && same_place->key == key) {
    same_place->unloads = module.dlpi_subs;
    return key;
  }
  auto* fresh =
      new Known{module.dlpi_phdr, module.dlpi_addr, module.dlpi_subs, key, known_keys.load()};
  while (!known_keys.compare_exchange_weak(fresh->next, fresh)) continue;
  return key;
}

std::uint64_t key_of(const dl_phdr_info& module) {
  for (const Phdr& part : parts_of(module)) {
    if (part.p_type != PT_NOTE) continue;
    const auto* notes = reinterpret_cast<const char*>(module.dlpi_addr + part.p_vaddr);
    const std::string_view id = build_id_in(notes, part.p_memsz);
    if (!id.empty()) return hash(id);
  }
  return cached_key_by_contents(module);
}

bool is_code(const dl_phdr_info& module, std::uintptr_t address) {
  for (const Phdr& part : parts_of(module)) {
    const std::uintptr_t start = module.dlpi_addr + part.p_vaddr;
    if (part.p_type == PT_LOAD && (part.p_flags & PF_X) != 0 && address >= start &&
        address - start < part.p_memsz) {
      return true;
    }
  }
  return false;
}

struct Search {
  bool by_address = false;
  std::uintptr_t address = 0;
  CodeAddress found;
  bool done = false;
};

int look(dl_phdr_info* module, std::size_t, void* context) {
  auto& search = *static_cast<Search*>(context);
  if (search.by_address) {
    if (!is_code(*module, search.address)) return 0;
    search.found = {key_of(*module), search.address - module->dlpi_addr};
  } else {
    // The cheap test first: most modules have no code there.
    const std::uintptr_t address = module->dlpi_addr + search.found.offset;
    if (!is_code(*module, address) || key_of(*module) != search.found.module) return 0;
    search.address = address;
  }
  search.done = true;
  return 1;
}

}  // namespace

CodeAddress locate(std::uintptr_t code) {
  if (code == 0) throw BadBytes("the function pointer is null");
  Search search{.by_address = true, .address = code, .found = {}};
  dl_iterate_phdr(&look, &search);
  if (!search.done) {
    throw BadBytes(
        "the function pointer does not point to code of this program or of a library that it has "
        "loaded");
  }
  return search.found;
}

std::uintptr_t resolve(CodeAddress address) {
  Search search{.by_address = false, .address = 0, .found = address};
  dl_iterate_phdr(&look, &search);
  if (!search.done) {
    throw BadBytes(
        "the function is in a library that the worker has not loaded, or has loaded from a file "
        "that was replaced while the program runs. Cures: link the library to the program instead "
        "of loading it with dlopen, and restart the program after an update");
  }
  return search.address;
}

void write_method(WireWriter& out, MethodPointer method) {
  if (method.is_null()) throw BadBytes("the pointer to a member function is null");
  CodeAddress target;  // for a virtual function: module 0, and its place in the table
  if (method.is_virtual()) {
    target.offset = method.code;
  } else {
    target = locate(method.code);
  }
  out.write(&target, sizeof(target));
  out.write(&method.adjustment, sizeof(method.adjustment));
}

MethodPointer read_method(WireReader& in) {
  CodeAddress target;
  MethodPointer method;
  in.read(&target, sizeof(target));
  in.read(&method.adjustment, sizeof(method.adjustment));
  method.code = target.module == 0 ? target.offset : resolve(target);
  const bool should_be_virtual = target.module == 0;
  if (method.is_virtual() != should_be_virtual) {
    throw BadBytes("a pointer to a member function that is none");
  }
  return method;
}

}  // namespace poolproof::detail
