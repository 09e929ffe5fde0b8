// Where code lies, in words that another process of the same program understands: which file, and
// how far into it. A file is known by its build id, or else by its place on disk.
#include <elf.h>
#include <link.h>
#include <sys/stat.h>

#include <cstring>
#include <string_view>

#include "poolproof/task.h"

namespace poolproof::detail {
namespace {

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

std::uint64_t key_of(const dl_phdr_info& module) {
  for (int i = 0; i < module.dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = module.dlpi_phdr[i];
    if (part.p_type != PT_NOTE) continue;
    const auto* notes = reinterpret_cast<const char*>(module.dlpi_addr + part.p_vaddr);
    const std::string_view id = build_id_in(notes, part.p_memsz);
    if (!id.empty()) return hash(id);
  }
  const char* path = module.dlpi_name[0] != '\0' ? module.dlpi_name : "/proc/self/exe";
  struct stat file {};
  if (stat(path, &file) != 0) return hash(path);
  const std::uint64_t facts[] = {file.st_dev, file.st_ino, static_cast<std::uint64_t>(file.st_size),
                                 static_cast<std::uint64_t>(file.st_mtim.tv_nsec)};
  return hash({reinterpret_cast<const char*>(facts), sizeof(facts)});
}

bool is_code(const dl_phdr_info& module, std::uintptr_t address) {
  for (int i = 0; i < module.dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = module.dlpi_phdr[i];
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
    const std::uintptr_t address = module->dlpi_addr + search.found.offset;
    if (key_of(*module) != search.found.module || !is_code(*module, address)) return 0;
    search.address = address;
  }
  search.done = true;
  return 1;
}

}  // namespace

CodeAddress locate(std::uintptr_t code) {
  Search search{.by_address = true, .address = code, .found = {}};
  dl_iterate_phdr(&look, &search);
  if (!search.done) {
    throw BadBytes("the function is no code of this program or of a library that it has loaded");
  }
  return search.found;
}

std::uintptr_t resolve(CodeAddress address) {
  Search search{.by_address = false, .address = 0, .found = address};
  dl_iterate_phdr(&look, &search);
  if (!search.done) {
    throw BadBytes(
        "the function lies in a library that the worker has not loaded; link it directly "
        "instead of dlopen, and do not replace it on disk while the program runs");
  }
  return search.address;
}

}  // namespace poolproof::detail
