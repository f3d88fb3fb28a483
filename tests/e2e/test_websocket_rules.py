"""Violations of RFC 6455 close with the documented code, before anything is parsed."""

import json
import os

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.daemon import wait_until
from godwit_e2e.websocket import (
    BINARY,
    BINARY_PROTOCOL,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    WebSocket,
    encode_frame,
)

SMALL_FRAME = 65536
MAX_FRAME = 6291456


def test_oversized_frame_closes_with_1009_at_its_header(people):
    for client, size in ((people.connect(), SMALL_FRAME), (people.new(), MAX_FRAME)):
        frame = encode_frame(TEXT, bytes(size + 1))
        client.socket.send_bytes(frame[:14])  # not one byte of the payload
        assert client.wait_closed().code == 1009


def test_oversized_message_in_fragments_closes_with_1009(people):
    client = people.connect()
    client.socket.send_frame(TEXT, b" " * 60_000, fin=False)
    client.socket.send_frame(CONTINUATION, b" " * 5_537)
    assert client.wait_closed().code == 1009


def test_largest_frame_is_served(people):
    client = people.connect()
    text = b'{"requestId":"95","ping":{}}'
    client.socket.send_message(text + b" " * (SMALL_FRAME - len(text)))
    client.result(95)
    alice, bob = people.pair()
    text = json.dumps({"requestId": "95", "send": alice.send_body(bob.device, b"in a large frame")}).encode()
    alice.socket.send_message(text + b" " * (MAX_FRAME - len(text)))
    alice.result(95)
    assert bob.receive()[0].payload == b"in a large frame"


def test_large_message_in_fragments_is_served(people):
    alice, bob = people.pair()
    body = json.dumps(alice.send_body(bob.device, b"in fragments")).encode()
    alice.socket.send_frame(TEXT, b'{"requestId":"95",' + b" " * 1_000_000, fin=False)
    alice.socket.send_frame(CONTINUATION, b" " * 1_000_000, fin=False)
    alice.socket.send_frame(CONTINUATION, b'"send":' + body + b"}")
    alice.result(95)
    assert bob.receive()[0].payload == b"in fragments"


def test_only_requests_that_need_it_may_be_large(people):
    client = people.new()
    text = b'{"requestId":"95","ping":{}}'
    client.socket.send_message(text + b" " * (SMALL_FRAME + 1 - len(text)))
    with pytest.raises(ServerError, match="too_large"):
        client.result(95)
    many = {"requestId": "96", "claimKeys": {"users": [str(client.device.user_id)], "only": [{}] * 40_000}}
    client.send_frame(many)
    with pytest.raises(ServerError, match="too_large"):
        client.result(96)
    client.request(ping={})


def test_large_message_that_drips_in_closes_with_4104(daemons, crowd):
    daemon = daemons({"net.message_timeout_ms": 100}).start()
    client = crowd.new(daemon)
    client.socket.send_bytes(encode_frame(TEXT, bytes(200_000))[:80_000])
    assert client.wait_closed().code == 4104


def test_large_message_beyond_the_memory_for_all_waits(daemons, crowd):
    daemon = daemons({"net.max_large_input_bytes": MAX_FRAME}).start()
    first, second, third = (crowd.new(daemon) for _ in range(3))
    messages = []
    for client in (first, second):
        text = json.dumps({"requestId": "95", "send": client.send_body(third.device, b"large")}).encode()
        messages.append(encode_frame(TEXT, text + b" " * (MAX_FRAME - len(text))))
    first.socket.send_bytes(messages[0][: MAX_FRAME // 2])
    wait_until(lambda: daemon.metric("godwit_net_large_input_bytes", listener="client") > 0)
    second.socket.send_bytes(messages[1][:200_000])
    wait_until(lambda: daemon.metric("godwit_net_large_input_waiting_bytes", listener="client") > 0)
    third.request(ping={})
    first.socket.send_bytes(messages[0][MAX_FRAME // 2 :])
    first.result(95)
    second.socket.send_bytes(messages[1][200_000:])
    second.result(95)
    assert daemon.metric("godwit_net_large_inputs_refused_total", listener="client") == 0


def test_message_in_fragments_with_a_ping_between_is_served(people):
    client = people.connect()
    client.socket.send_frame(TEXT, b'{"requestId":"5",', fin=False)
    client.socket.send_frame(PING, b"are you there")
    assert client.socket.receive_frame() == (PONG, b"are you there")
    client.socket.send_frame(CONTINUATION, b'"ping":{}}')
    assert "pong" in client.socket.receive_message().decode()


def test_bad_utf8_closes_with_1007(people):
    for bad in (b'{"ping":{},"x":"\xff"}', b"\xc0\xaf", b"\xed\xa0\x80", b'{"a":"\xe2\x82'):
        client = people.connect()
        client.socket.send_message(bad)
        assert client.wait_closed().code == 1007


def test_utf8_split_across_fragments_is_valid(people):
    client = people.connect()
    client.socket.send_frame(TEXT, b'{"requestId":"5","ping":{},"x":"\xe2\x82', fin=False)
    client.socket.send_frame(CONTINUATION, b'\xac"}')
    assert "pong" in client.socket.receive_message().decode()


def test_text_on_the_binary_subprotocol_closes_with_1003(shared):
    socket = WebSocket(shared.client_port, protocol=BINARY_PROTOCOL)
    socket.send_frame(TEXT, b"{}")
    assert socket.wait_closed().code == 1003


def test_binary_on_the_text_subprotocol_closes_with_1003(people):
    client = people.connect()
    client.socket.send_frame(BINARY, b"{}")
    assert client.wait_closed().code == 1003


def test_broken_framing_closes_with_1002(people):
    broken = {
        "unmasked": encode_frame(TEXT, b"{}", mask=False),
        "reserved bit": bytes([0xC1]) + encode_frame(TEXT, b"{}")[1:],
        "reserved opcode": encode_frame(3, b"{}"),
        "continuation of nothing": encode_frame(CONTINUATION, b"{}"),
        "fragmented ping": encode_frame(PING, b"x", fin=False),
        "long ping": encode_frame(PING, bytes(126)),
        "close with one byte": encode_frame(CLOSE, b"\x03"),
    }
    for name, data in broken.items():
        client = people.connect()
        client.socket.send_bytes(data)
        assert client.wait_closed().code == 1002, name


def test_close_is_echoed(people):
    client = people.connect()
    client.socket.send_frame(CLOSE, (1000).to_bytes(2, "big"))
    assert client.wait_closed().code == 1000


def test_noise_after_the_upgrade_disturbs_nobody(people):
    alice, bob = people.pair()
    for _ in range(20):
        people.connect().socket.send_bytes(os.urandom(4096))
    alice.send(bob.device, b"still here")
    assert bob.receive()[0].payload == b"still here"


def test_payload_bounds(people):
    alice, bob = people.pair()
    assert alice.error_of(send=alice.send_body(bob.device, b"")).code == "invalid_argument"
    assert alice.error_of(send=alice.send_body(bob.device, bytes(65537))).code == "too_large"
    largest = os.urandom(65536)
    alice.send(bob.device, largest)
    assert bob.receive()[0].payload == largest
