// Built twice without a build id, with another ADDEND each time.
int of_the_library(int x);
int of_the_library(int x) { return x + ADDEND; }
