// A library that a test loads at run time.
extern "C" [[gnu::visibility("default")]] int plain_in_loaded(int x) { return 7 * x; }
