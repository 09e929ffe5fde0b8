#include "faults/cage/sockets.h"

#include <gtest/gtest.h>

namespace poolproof::faults {
namespace {

TEST(SocketNames, of_unix_are_paths_and_abstract_names_and_the_nameless_are_known_as_such) {
  SocketNames names;
  add_unix_sockets(
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 101 /tmp/a.sock\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 102 @b\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 103\n"
      "0000000000000000: 00000002 00000000 00000000 0001 02 0 /tmp/a.sock\n",
      names);
  EXPECT_EQ(names, (SocketNames{{101, "unix /tmp/a.sock"}, {102, "unix @b"}, {103, ""}}));
}

TEST(SocketNames, of_ports_are_those_that_wait_for_others) {
  SocketNames names;
  const std::string heading = "  sl  local_address rem_address   st tx_queue ...\n";
  add_ports(heading +
                "   0: 0100007F:0FA0 00000000:0000 0A 0:0 00:0 0 1000 0 201 1\n"
                "   1: 0100007F:0FA1 0100007F:0FA0 01 0:0 00:0 0 1000 0 202 1\n",
            "tcp", names);
  add_ports(heading + "   7: 00000000:0035 00000000:0000 07 0:0 00:0 0 0 0 203 2\n", "udp", names);
  EXPECT_EQ(names, (SocketNames{{201, "listens on tcp port 4000"}, {203, "udp port 53"}}));
}

TEST(SocketNames, are_found_by_what_a_descriptor_shows) {
  EXPECT_EQ(socket_inode("socket:[77]"), 77U);
  EXPECT_EQ(socket_inode("pipe:[77]"), 0U);
  EXPECT_EQ(socket_inode(""), 0U);
}

}  // namespace
}  // namespace poolproof::faults
