// WebSocket connections over real sockets, byte by byte.
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>

#include "net_fixture.h"

namespace godwit::net {
namespace {

Options fast_with_frames() {
  Options options;
  options.tick_ms = 10;
  options.closing_timeout_ms = 1000;
  options.max_frame_bytes = 128 * 1024;
  return options;
}

std::string close_order(CloseReason reason) {
  return "close:" + std::to_string(static_cast<int>(reason));
}

// The server's close frame with this code, then the end.
void expect_close(TestClient& client, std::uint16_t code) {
  auto frame = client.receive_frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->opcode, WsOpcode::close);
  EXPECT_EQ(frame->close_code(), code);
  EXPECT_TRUE(client.is_closed_by_peer());
}

TEST(WebSocket, BinaryMessages_AreEchoed) {
  TestServer server;
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U, 131072U}) {
    const std::string payload(size, 'b');
    EXPECT_EQ(client.echo(payload), payload);
  }
  EXPECT_EQ(client.echo("who").substr(0, 15), "127.0.0.1 plain");
  EXPECT_EQ(server.log().wrong_worker, 0);
}

TEST(WebSocket, TextSubprotocol_EchoesText) {
  TestServer server;
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade("godwit.v1.json, godwit.v1"), 101);
  EXPECT_EQ(client.echo("gr\xC3\xBC\xC3\x9F dich", WsOpcode::text), "gr\xC3\xBC\xC3\x9F dich");
}

TEST(WebSocket, MessagesInTheUpgradesPacket_AreNotLost) {
  TestServer server;
  TestClient client(server.port());
  client.send(upgrade_request("godwit.v1") + client_frame(WsOpcode::binary, "early") +
              client_frame(WsOpcode::binary, "bird"));
  EXPECT_TRUE(client.receive_response().starts_with("HTTP/1.1 101"));
  EXPECT_EQ(client.receive_frame()->payload, "early");
  EXPECT_EQ(client.receive_frame()->payload, "bird");
}

TEST(WebSocket, BytesInRandomPieces_GiveAllMessagesInOrder) {
  TestServer server;
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::string> messages;
  std::string bytes;
  for (int i = 0; i < 200; ++i) {
    const std::size_t size = i % 20 == 0 ? random() % 60000 : random() % 300;
    messages.push_back(std::to_string(i) + std::string(size, static_cast<char>('a' + i % 26)));
    const std::size_t half = random() % (messages.back().size() + 1);
    bytes += client_frame(WsOpcode::binary, messages.back().substr(0, half), false);
    bytes += client_frame(WsOpcode::continuation, messages.back().substr(half));
  }
  std::thread sender([&] {
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 9000, bytes.size() - at);
      client.send(std::string_view(bytes).substr(at, size));
      at += size;
    }
  });
  for (const std::string& message : messages) {
    const auto frame = client.receive_frame();
    ASSERT_TRUE(frame);
    ASSERT_EQ(frame->payload, message);
  }
  sender.join();
}

TEST(WebSocket, LargeFrameInSmallPieces_Arrives) {
  TestServer server;
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  const std::string payload(100'000, 'L');
  const std::string bytes = client_frame(WsOpcode::binary, payload) + client_frame(WsOpcode::binary, "next");
  for (std::size_t at = 0; at < bytes.size(); at += 3001) {
    client.send(std::string_view(bytes).substr(at, 3001));
    if (at % 5 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(client.receive_frame()->payload, payload);
  EXPECT_EQ(client.receive_frame()->payload, "next");
}

TEST(LargeInput, OfAnOwnerWhoHasItsShare_WaitsAndOthersDoNot) {
  Options options = fast_with_frames();
  options.max_large_input_bytes = 4 * options.max_frame_bytes;
  TestServer server(options);
  TestClient first(server.port());
  TestClient second(server.port());
  TestClient other(server.port(), "127.0.0.2");
  for (TestClient* client : {&first, &second, &other}) ASSERT_EQ(client->upgrade(), 101);
  const std::string payload(100'000, 'L');
  const std::string bytes = client_frame(WsOpcode::binary, payload);
  const auto bytes_in = [&](const char* what) { return server.metric(std::string(what) + "{listener=\"client\"}"); };
  first.send(bytes.substr(0, 80'000));
  EXPECT_TRUE(eventually([&] { return bytes_in("godwit_net_large_input_bytes") >= 100'000; }));
  second.send(bytes.substr(0, 80'000));  // what is read as a whole needs no room
  EXPECT_TRUE(eventually([&] { return bytes_in("godwit_net_large_input_waiting_bytes") > 0; }));
  EXPECT_EQ(other.echo(payload), payload);
  first.send(bytes.substr(80'000));
  EXPECT_EQ(first.receive_frame()->payload, payload);
  second.send(bytes.substr(80'000));
  EXPECT_EQ(second.receive_frame()->payload, payload);
  EXPECT_TRUE(eventually([&] { return bytes_in("godwit_net_large_input_bytes") == 0; }));
  EXPECT_EQ(bytes_in("godwit_net_large_input_waiting_bytes"), 0);
}

TEST(LargeInput, WaitingForLongerThanTheKeepalive_ClosesAsOverloaded) {
  Options options = fast_with_frames();
  options.max_large_input_bytes = options.max_frame_bytes;
  TestServer server(options);
  TestClient holder(server.port());
  TestClient waiting(server.port(), "127.0.0.2");
  ASSERT_EQ(holder.upgrade(), 101);
  ASSERT_EQ(waiting.upgrade(), 101);
  const std::string bytes = client_frame(WsOpcode::binary, std::string(100'000, 'L'));
  holder.send(bytes.substr(0, 80'000));
  EXPECT_TRUE(eventually([&] { return server.metric("godwit_net_large_input_bytes{listener=\"client\"}") > 0; }));
  waiting.send_frame(WsOpcode::binary, "idle:200");
  waiting.send(bytes.substr(0, 80'000));
  while (const auto frame = waiting.receive_frame()) {
    if (frame->opcode == WsOpcode::close) {
      EXPECT_EQ(frame->close_code(), 4100);
    }
  }
  EXPECT_EQ(server.metric("godwit_net_large_inputs_refused_total{listener=\"client\"}"), 1);
}

TEST(LargeInput, EachOfARowOfMessages_HasItsOwnTime) {
  Options options = fast_with_frames();
  options.message_timeout_ms = 100;
  TestServer server(options);
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  // 66,000 bytes may take 4.2 s. Each message is complete after half of that, and so much of the next is there by then.
  const std::string payload(70'000, 'L');
  const std::string bytes = client_frame(WsOpcode::binary, payload);
  client.send(bytes.substr(0, 66'000));
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1'900));
    client.send(bytes.substr(66'000) + bytes.substr(0, 66'000));
    const auto frame = client.receive_frame();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->opcode, WsOpcode::binary);
  }
}

TEST(WebSocket, Ping_IsAnsweredWithItsPayload) {
  TestServer server;
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  client.send_frame(WsOpcode::ping, "are you there");
  const auto pong = client.receive_frame();
  EXPECT_EQ(pong->opcode, WsOpcode::pong);
  EXPECT_EQ(pong->payload, "are you there");
  // A pong so short needs no output buffer, until the echo behind it does.
  client.send(client_frame(WsOpcode::ping, "ab") + client_frame(WsOpcode::binary, "echo"));
  EXPECT_EQ(client.receive_frame()->opcode, WsOpcode::pong);
  EXPECT_EQ(client.receive_frame()->payload, "echo");
  client.send_frame(WsOpcode::pong, "unasked");
  EXPECT_EQ(client.echo("still here"), "still here");
}

TEST(WebSocket, ClientsClose_IsEchoedAndNormal) {
  TestServer server(fast_with_frames());
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  client.send_frame(WsOpcode::close,
                    "\x0F\xA0"
                    "bye");
  expect_close(client, 4000);
  EXPECT_TRUE(eventually([&] { return server.log().destroyed == 1; }));
  EXPECT_EQ(server.log().last_close_reason, static_cast<int>(CloseReason::normal));
  EXPECT_EQ(server.metric("godwit_net_websocket_closed_total{listener=\"client\",reason=\"normal\"}"), 1);
  TestClient second(server.port());
  ASSERT_EQ(second.upgrade(), 101);
  second.send_frame(WsOpcode::close, "");
  const auto frame = second.receive_frame();
  EXPECT_EQ(frame->opcode, WsOpcode::close);
  EXPECT_TRUE(frame->payload.empty());
}

TEST(WebSocket, SessionsClose_SendsCodeAfterOutputAndTellsTheSessionLater) {
  TestServer server(fast_with_frames());
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  client.send(client_frame(WsOpcode::binary, "first") +
              client_frame(WsOpcode::binary, close_order(CloseReason::revoked)) +
              client_frame(WsOpcode::binary, "ignored"));
  EXPECT_EQ(client.receive_frame()->payload, "first");
  expect_close(client, close_info(CloseReason::revoked).code);
  EXPECT_TRUE(eventually([&] { return server.log().closed == 1; }));
  EXPECT_EQ(server.log().nested_close, 0);
  EXPECT_EQ(server.log().last_close_reason, static_cast<int>(CloseReason::revoked));
  client.finish_sending();
  EXPECT_TRUE(eventually([&] { return server.server().open_connections() == 0; }));
}

TEST(WebSocket, PeerThatNeverClosesItsSide_IsLetGoAfterTheClosingTime) {
  TestServer server(fast_with_frames());
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  client.send_frame(WsOpcode::binary, close_order(CloseReason::draining));
  expect_close(client, 4000);
  EXPECT_TRUE(eventually([&] { return server.server().open_connections() == 0; }));
}

struct BadInput {
  const char* name;
  const char* protocols;
  std::string bytes;
  std::uint16_t code;
};

TEST(WebSocket, BadInput_ClosesWithItsCodeAndDisturbsNobody) {
  TestServer server(fast_with_frames());
  TestClient witness(server.port());
  ASSERT_EQ(witness.upgrade(), 101);
  const BadInput inputs[] = {
      {"unmasked", "godwit.v1", client_frame(WsOpcode::binary, "x", true, false), 1002},
      {"reserved bit", "godwit.v1", "\xC2\x81" + std::string(5, 0), 1002},
      {"bad close code", "godwit.v1", client_frame(WsOpcode::close, "\x03\xEE"), 1002},
      {"text where binary is due", "godwit.v1", client_frame(WsOpcode::text, "x"), 1003},
      {"bad UTF-8", "godwit.v1.json", client_frame(WsOpcode::text, "\xFF"), 1007},
      {"oversized", "godwit.v1", client_frame(WsOpcode::binary, std::string(131073, 'x')), 1009},
      {"oversized in fragments", "godwit.v1",
       client_frame(WsOpcode::binary, std::string(100000, 'x'), false) +
           client_frame(WsOpcode::continuation, std::string(100000, 'x')),
       1009},
  };
  for (const BadInput& input : inputs) {
    SCOPED_TRACE(input.name);
    TestClient client(server.port());
    ASSERT_EQ(client.upgrade(input.protocols), 101);
    client.send(input.bytes);
    expect_close(client, input.code);
    EXPECT_EQ(witness.echo("fine"), "fine");
  }
}

TEST(WebSocket, BrokenConnection_EndsTheSessionAsGone) {
  TestServer server;
  {
    TestClient client(server.port());
    ASSERT_EQ(client.upgrade(), 101);
  }
  EXPECT_TRUE(eventually([&] { return server.log().destroyed == 1; }));
  EXPECT_EQ(server.log().last_close_reason, static_cast<int>(CloseReason::gone));
}

TEST(WebSocket, RefusedUpgrade_SaysWhyAndCloses) {
  TestServer server;
  TestClient client(server.port());
  client.send(upgrade_request("mqtt"));
  const std::string response = client.receive_all();
  EXPECT_TRUE(response.starts_with("HTTP/1.1 400 ")) << response;
  EXPECT_NE(response.find("godwit.v1.json"), std::string::npos);
  TestClient old(server.port());
  std::string request = upgrade_request("godwit.v1");
  request.replace(request.find("Version: 13"), 11, "Version: 12");
  old.send(request);
  EXPECT_NE(old.receive_all().find("HTTP/1.1 426 Upgrade Required"), std::string::npos);
  EXPECT_EQ(server.log().opened, 0);
}

TEST(WebSocket, UpgradeSwitchedOff_IsNotFound) {
  Options options;
  options.allow_upgrade = false;
  TestServer server(options);
  TestClient client(server.port());
  EXPECT_EQ(client.upgrade(), 404);
}

TEST(WebSocket, ReaderSlowerThanTheServer_GetsAllAndDrainedIsTold) {
  Options options = fast_with_frames();
  options.send_buffer_bytes = 16 * 1024;
  options.output_budget_bytes = 64 * 1024;
  TestServer server(options);
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  constexpr int kBlocks = 128;
  client.send_frame(WsOpcode::binary, "flood:" + std::to_string(kBlocks * 16 * 1024));
  client.send_frame(WsOpcode::binary, "after");
  for (int i = 0; i < kBlocks; ++i) {
    const auto frame = client.receive_frame();
    ASSERT_TRUE(frame);
    ASSERT_EQ(frame->payload.size(), 16 * 1024U);
  }
  EXPECT_EQ(client.receive_frame()->payload, "after");
  EXPECT_TRUE(eventually([&] { return server.log().drained >= 1; }));
}

TEST(WebSocket, ClientThatFloodsWithoutReading_IsHeldUpByTcp) {
  Options options = fast_with_frames();
  options.send_buffer_bytes = 16 * 1024;
  options.output_budget_bytes = 64 * 1024;
  TestServer server(options);
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  const std::string payload(1000, 'f');
  constexpr int kCount = 20'000;
  std::thread sender([&] {
    const std::string frame = client_frame(WsOpcode::binary, payload);
    for (int i = 0; i < kCount; ++i) client.send(frame);
  });
  // The server cannot get rid of its echoes, of which there are more than sockets and max_output_bytes hold.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  int received = 0;
  while (received < kCount && client.receive_frame()) ++received;
  sender.join();
  EXPECT_EQ(received, kCount);
}

TEST(WebSocket, OutputBeyondItsBound_EndsTheConnectionAsStalled) {
  Options options = fast_with_frames();
  options.send_buffer_bytes = 16 * 1024;
  options.max_output_bytes = 512 * 1024;
  TestServer server(options);
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  client.send_frame(WsOpcode::binary, "flood:8000000");
  EXPECT_TRUE(eventually([&] { return server.log().destroyed == 1; }));
  EXPECT_EQ(server.log().last_close_reason, static_cast<int>(CloseReason::output_stalled));
  EXPECT_EQ(server.log().nested_close, 0);
}

TEST(WebSocket, SilenceAfterTheUpgrade_EndsWithHelloTimeout) {
  Options options = fast_with_frames();
  options.hello_timeout_ms = 100;
  TestServer server(options);
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  expect_close(client, close_info(CloseReason::hello_timeout).code);
}

TEST(WebSocket, IdleTimeout_RunsFromTheLastByteReceived) {
  Options options = fast_with_frames();
  options.hello_timeout_ms = 60'000;
  TestServer server(options);
  TestClient client(server.port());
  ASSERT_EQ(client.upgrade(), 101);
  client.send_frame(WsOpcode::binary, "idle:1000");
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 8; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    client.send_frame(WsOpcode::pong, "");
  }
  EXPECT_EQ(client.echo("alive"), "alive");
  expect_close(client, close_info(CloseReason::keepalive_timeout).code);
  // Time-outs have the resolution of a tick (Options::tick_ms).
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(8 * 200 + 1000 - options.tick_ms));
}

TEST(WebSocket, CloseAll_EndsEveryConnectionWithTheReason) {
  TestServer server(fast_with_frames());
  std::vector<TestClient> clients;
  for (int i = 0; i < 10; ++i) {
    clients.emplace_back(server.port());
    ASSERT_EQ(clients.back().upgrade(), 101);
  }
  TestClient http(server.port());
  http.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  http.receive_response();
  server.server().close_listeners();
  server.server().close_all(CloseReason::draining);
  for (TestClient& client : clients) {
    expect_close(client, 4000);
    client.finish_sending();
  }
  EXPECT_TRUE(http.is_closed_by_peer());
  http.finish_sending();
  EXPECT_TRUE(eventually([&] { return server.server().open_connections() == 0; }));
  EXPECT_TRUE(eventually([&] { return server.log().destroyed == 10; }));
  EXPECT_FALSE(TestClient(server.port()).connected());
}

TEST(WebSocket, ServerDestroyedWithOpenConnections_FreesThem) {
  auto server = std::make_unique<TestServer>();
  TestClient client(server->port());
  ASSERT_EQ(client.upgrade(), 101);
  ASSERT_EQ(client.echo("x"), "x");
  server.reset();
  EXPECT_TRUE(client.is_closed_by_peer());
}

}  // namespace
}  // namespace godwit::net
