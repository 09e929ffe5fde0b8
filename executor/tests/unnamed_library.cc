// Built twice without a build id, each time with another ADDEND.
int of_the_library(int x);
int of_the_library(int x) { return x + ADDEND; }
