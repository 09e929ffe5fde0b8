#include "faults/cage/shared_memory.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <sstream>

#include "faults/cage/cut.h"
#include "faults/cage/fd.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {
namespace {

struct Mapping {
  std::uint64_t begin = 0, end = 0, offset = 0;
  std::string rights;  // "rw-s"
  std::string path;
};

std::vector<Mapping> mappings_of(pid_t pid) {
  std::vector<Mapping> mappings;
  std::istringstream lines(
      read_file("/proc/" + std::to_string(pid) + "/maps", std::size_t{4} << 20).text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Mapping mapping;
    std::string device, inode;
    char dash = 0;
    words >> std::hex >> mapping.begin >> dash >> mapping.end >> mapping.rights >> mapping.offset >>
        device >> inode >> std::ws;
    std::getline(words, mapping.path);
    mappings.push_back(std::move(mapping));
  }
  return mappings;
}

// A file that is mapped while this object exists.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status {};
    if (!file_ || ::fstat(file_.get(), &status) != 0 || status.st_size <= 0) return;
    size_ = static_cast<std::size_t>(status.st_size);
    void* const at = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file_.get(), 0);
    if (at != MAP_FAILED) bytes_ = static_cast<const char*>(at);
  }
  ~MappedFile() {
    if (bytes_ != nullptr) ::munmap(const_cast<char*>(bytes_), size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // `count` objects from `offset` on; null if the file is too short for them.
  template <typename T>
  const T* at(std::uint64_t offset, std::uint64_t count = 1) const {
    const bool fits = bytes_ != nullptr && offset <= size_ && count <= (size_ - offset) / sizeof(T);
    return fits ? reinterpret_cast<const T*>(bytes_ + offset) : nullptr;
  }
  // A text that ends inside the file.
  std::string text_at(std::uint64_t offset) const {
    if (bytes_ == nullptr || offset >= size_) return "";
    return {bytes_ + offset, ::strnlen(bytes_ + offset, size_ - offset)};
  }

 private:
  Fd file_;
  const char* bytes_ = nullptr;
  std::size_t size_ = 0;
};

struct FoundSymbol {
  std::uint64_t value = 0;
  // The program may be loaded at any address: the value counts from its first byte.
  bool moves = false;
};

FoundSymbol find_symbol(const MappedFile& file, const std::string& name) {
  const auto* header = file.at<Elf64_Ehdr>(0);
  if (header == nullptr || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64)
    return {};
  const auto* sections = file.at<Elf64_Shdr>(header->e_shoff, header->e_shnum);
  if (sections == nullptr) return {};
  for (int i = 0; i < header->e_shnum; ++i) {
    const Elf64_Shdr& section = sections[i];
    if (section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM) continue;
    const std::uint64_t count = section.sh_size / sizeof(Elf64_Sym);
    const auto* symbols = file.at<Elf64_Sym>(section.sh_offset, count);
    if (symbols == nullptr || section.sh_link >= header->e_shnum) continue;
    const std::uint64_t names = sections[section.sh_link].sh_offset;
    for (std::uint64_t each = 0; each < count; ++each)
      if (symbols[each].st_value != 0 && ELF64_ST_TYPE(symbols[each].st_info) == STT_FUNC &&
          file.text_at(names + symbols[each].st_name) == name)
        return {symbols[each].st_value, header->e_type == ET_DYN};
  }
  return {};
}

}  // namespace

SharedMemory::SharedMemory(pid_t pid) : pid_(pid) {
  for (const Mapping& mapping : mappings_of(pid)) {
    if (mapping.rights.size() < 4 || mapping.rights[1] != 'w' || mapping.rights[3] != 's') continue;
    const std::size_t size = std::min<std::uint64_t>(kWatchedOfEach, mapping.end - mapping.begin);
    std::string bytes = read_memory(pid, mapping.begin, size);
    if (!bytes.empty()) parts_.push_back({mapping.begin, std::move(bytes)});
  }
}

std::uint64_t SharedMemory::first_change() {
  std::uint64_t found = 0;
  for (Part& part : parts_) {
    std::string now = read_memory(pid_, part.address, part.bytes.size());
    if (now.size() != part.bytes.size() || now == part.bytes) continue;
    const auto differs = std::mismatch(now.begin(), now.end(), part.bytes.begin()).first;
    if (found == 0) found = part.address + static_cast<std::uint64_t>(differs - now.begin());
    part.bytes = std::move(now);
  }
  return found;
}

std::uint64_t address_of_symbol(pid_t pid, const std::string& symbol) {
  const std::string program = "/proc/" + std::to_string(pid) + "/exe";
  const FoundSymbol found = find_symbol(MappedFile(program), symbol);
  if (found.value == 0 || !found.moves) return found.value;
  const std::string path = link_target(program);
  for (const Mapping& mapping : mappings_of(pid))
    if (mapping.path == path && mapping.offset == 0) return mapping.begin + found.value;
  return 0;
}

}  // namespace poolproof::faults
