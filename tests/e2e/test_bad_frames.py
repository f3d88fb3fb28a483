"""What is not of the protocol is answered bad_frame or unknown_request; too much of it closes."""

import pathlib

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.daemon import REPOSITORY
from godwit_e2e.websocket import BINARY_PROTOCOL, WebSocket

BAD_BINARY = sorted((REPOSITORY / "tests/vectors").glob("client_bad_*.hex"))
BAD_JSON = [b"", b"{", b"[]", b"null", b'{"requestId":"x"}', b'{"ping":7}', b'{"ping":{}}{}', b"{" * 60_000]
# ServerFrame{error{code: bad_frame}}: field 2 with field 1 == 2.
BAD_FRAME_ANSWER = bytes.fromhex("12")


def vector(path: pathlib.Path):
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return bytes.fromhex("".join(lines))


@pytest.mark.parametrize("text", BAD_JSON, ids=range(len(BAD_JSON)))
def test_malformed_json_is_bad_frame_and_the_connection_goes_on(people, text):
    client = people.connect()
    client.socket.send_message(text)
    assert client.wait_push("error")["code"] == "bad_frame"
    client.request(ping={})


@pytest.mark.parametrize("path", BAD_BINARY, ids=lambda path: path.stem)
def test_malformed_protobuf_is_bad_frame_and_the_connection_goes_on(shared, path):
    before = shared.metric("godwit_errors_total", code="bad_frame")
    socket = WebSocket(shared.client_port, protocol=BINARY_PROTOCOL)
    socket.receive_message()  # Challenge
    socket.send_message(vector(path))
    answer = socket.receive_message()
    assert answer[:1] == BAD_FRAME_ANSWER and answer[2:4] == bytes([0x08, 2])
    socket.send_message(bytes.fromhex("08083200"))  # Ping with request id 8
    assert socket.receive_message()[:3] == bytes.fromhex("080832")
    assert shared.metric("godwit_errors_total", code="bad_frame") == before + 1
    socket.close()


def test_eighth_malformed_frame_closes_with_4200(people):
    client = people.new()
    for _ in range(8):
        client.socket.send_message(b"{")
    assert client.wait_closed().code == 4200


def test_unknown_body_is_unknown_request(people):
    client = people.new()
    for frame in ({"requestId": "7"}, {"requestId": "8", "frobnicate": {"x": 1}}):
        client.send_frame(frame)
        with pytest.raises(ServerError, match="unknown_request"):
            client.result(int(frame["requestId"]))


def test_unknown_fields_are_ignored(people):
    client = people.new()
    client.send_frame({"requestId": "9", "ping": {"colour": "red"}, "later": [1, 2]})
    assert "serverTimeMs" in client.result(9)


def test_bystanders_do_not_notice(people):
    alice, bob = people.pair()
    hostile = people.connect()
    for _ in range(8):
        hostile.socket.send_message(b"\x00" * 1000)
        alice.send(bob.device)
        bob.receive()
    assert hostile.wait_closed().code == 4200
