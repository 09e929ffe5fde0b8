#include <dlfcn.h>

#include <cstdio>

int main([[maybe_unused]] int argc, [[maybe_unused]] char** argv) {
  void* layer = dlopen(LAYER, RTLD_NOW);
  if (layer == nullptr) {
    std::printf("%s\n", dlerror());
    return 1;
  }
#ifdef CURED
  reinterpret_cast<void (*)(int, char**)>(dlsym(layer, "enter"))(argc, argv);
#endif
  reinterpret_cast<void (*)()>(dlsym(layer, "make_calls"))();
}
