# Builds for 64-bit ARM on another machine: Debian's cross compiler; run.sh runs what it built.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
# They have only headers, so the build machine's copies are used; CMake does not look there by
# itself.
file(GLOB cereal_DIR /usr/lib/*/cmake/cereal)
file(GLOB Boost_DIR /usr/lib/*/cmake/Boost-*)
