// Connections that move between workers.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net_fixture.h"

namespace godwit::net {
namespace {

Options fast_over(const TestCertificate* files = nullptr) {
  Options options;
  options.tick_ms = 10;
  options.closing_timeout_ms = 1000;
  if (files != nullptr) {
    options.tls_certificate = files->certificate();
    options.tls_key = files->key();
  }
  return options;
}

// Sends numbered messages without waiting, with a move after every few, and checks the order of the echoes.
void talk_while_moving(TestServer& server, bool tls, int messages, unsigned workers) {
  TestClient client(server.port());
  if (tls) {
    ASSERT_TRUE(client.start_tls());
  }
  ASSERT_EQ(client.upgrade(), 101);
  std::string batch;
  int received = 0;
  for (int i = 0; i < messages; ++i) {
    batch += client_frame(WsOpcode::binary, "number " + std::to_string(i));
    if (i % 7 == 0)
      batch += client_frame(WsOpcode::binary, "move:" + std::to_string(i / 7 % static_cast<int>(workers)));
    if (i % 50 != 49) continue;
    client.send(std::exchange(batch, {}));
    // One batch stays under way, so that moves meet input that is still arriving.
    for (; received < i - 49; ++received) {
      const auto frame = client.receive_frame();
      ASSERT_TRUE(frame);
      ASSERT_EQ(frame->payload, "number " + std::to_string(received));
    }
  }
  client.send(batch);
  for (; received < messages; ++received) {
    const auto frame = client.receive_frame();
    ASSERT_TRUE(frame);
    ASSERT_EQ(frame->payload, "number " + std::to_string(received));
  }
}

TEST(MoveTo, UnderLoad_KeepsOrderAndLosesNothing) {
  TestServer server(fast_over(), 3);
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) threads.emplace_back([&] { talk_while_moving(server, false, 1500, 3); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(server.log().wrong_worker, 0);
  EXPECT_GT(server.metric("godwit_net_moves_total{listener=\"client\"}"), 100);
}

TEST(MoveTo, WithTls_KeepsOrderAndLosesNothing) {
  const TestCertificate files;
  TestServer server(fast_over(&files), 2);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back([&] { talk_while_moving(server, true, 700, 2); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(server.log().wrong_worker, 0);
}

TEST(MoveTo, UnsentOutput_ComesAlong) {
  Options options = fast_over();
  options.send_buffer_bytes = 16 * 1024;
  TestServer server(options, 2);
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  client.send_frame(WsOpcode::binary, "flood:2000000");
  client.send_frame(WsOpcode::binary, "move:0");
  client.send_frame(WsOpcode::binary, "move:1");
  client.send_frame(WsOpcode::binary, "after");
  std::size_t total = 0;
  for (;;) {
    const auto frame = client.receive_frame();
    ASSERT_TRUE(frame);
    if (frame->payload == "after") break;
    total += frame->payload.size();
  }
  EXPECT_GE(total, 2'000'000U);
}

TEST(MoveTo, Timeouts_GoOnAtTheNewWorker) {
  TestServer server(fast_over(), 2);
  for (const char* target : {"move:0", "move:1"}) {
    TestClient client(server.port());
    ASSERT_EQ(client.upgrade(), 101);
    client.send_frame(WsOpcode::binary, "idle:100");
    client.send_frame(WsOpcode::binary, target);
    const auto frame = client.receive_frame();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->close_code(), close_info(CloseReason::keepalive_timeout).code);
  }
}

TEST(MoveTo, ClosedOnTheWay_SendsItsLastWordsAndIsNotResumed) {
  TestServer server(fast_over(), 2);
  for (int i = 0; i < 2; ++i) {  // the connections are dealt out in turn: one of them begins on worker 0
    TestClient client(server.port());
    ASSERT_EQ(client.upgrade(), 101);
    client.send_frame(WsOpcode::binary, "bounce");
    auto frame = client.receive_frame();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->payload, "on the way");
    frame = client.receive_frame();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->close_code(), close_info(CloseReason::replaced).code);
  }
  EXPECT_TRUE(eventually([&] { return server.log().destroyed == 2; }));
  EXPECT_EQ(server.log().closed, 2);
  EXPECT_EQ(server.log().wrong_worker, 0);
  EXPECT_EQ(server.log().arrived_after_close, 0);
}

TEST(MoveTo, PeersThatLeaveMeanwhile_AreNotForgotten) {
  TestServer server(fast_over(), 2);
  constexpr int kClients = 100;
  for (int i = 0; i < kClients; ++i) {
    TestClient client(server.port());
    ASSERT_EQ(client.upgrade(), 101);
    client.send(client_frame(WsOpcode::binary, "move:0") + client_frame(WsOpcode::binary, "move:1"));
  }
  EXPECT_TRUE(eventually([&] { return server.log().destroyed == kClients; }));
  EXPECT_TRUE(eventually([&] { return server.server().open_connections() == 0; }));
  EXPECT_EQ(server.log().closed, kClients);
}

TEST(MoveTo, CloseAllDuringMoves_EndsEverything) {
  TestServer server(fast_over(), 2);
  std::vector<TestClient> clients;
  for (int i = 0; i < 50; ++i) {
    clients.emplace_back(server.port());
    ASSERT_EQ(clients.back().upgrade(), 101);
    std::string moves;
    for (int k = 0; k < 20; ++k) moves += client_frame(WsOpcode::binary, k % 2 == 0 ? "move:0" : "move:1");
    clients.back().send(moves);
  }
  server.server().close_listeners();
  server.server().close_all(CloseReason::draining);
  for (TestClient& client : clients) {
    const auto frame = client.receive_frame();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->close_code(), 4000);
    client.finish_sending();
  }
  EXPECT_TRUE(eventually([&] { return server.log().destroyed == 50; }));
  EXPECT_EQ(server.log().last_close_reason, static_cast<int>(CloseReason::draining));
}

}  // namespace
}  // namespace godwit::net
