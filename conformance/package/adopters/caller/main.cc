extern "C" void make_calls();
extern "C" void enter(int argc, char** argv);

int main([[maybe_unused]] int argc, [[maybe_unused]] char** argv) {
#ifdef CURED
  enter(argc, argv);  // poolproof::worker_entry, as the first line of main
#endif
  make_calls();
}
