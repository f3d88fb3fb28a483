"""The binary subprotocol carries the same messages as the text one."""

import base64

import pytest
from godwit_e2e.identity import Device, fresh_handle, message_id
from godwit_e2e.websocket import BINARY_PROTOCOL, WebSocket

# A Protobuf encoder of ten lines, so that no generated code stands between the test and the wire.
VARINT, FIXED64, BYTES = 0, 1, 2


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def field(number, value, fixed=False):
    if isinstance(value, int):
        return (
            varint(number << 3 | FIXED64) + value.to_bytes(8, "little")
            if fixed
            else varint(number << 3) + varint(value)
        )
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def decode(data):
    """{field number: value}; of a repeated field the last."""
    fields, at = {}, 0

    def take_varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = take_varint()
        if tag & 7 == VARINT:
            fields[tag >> 3] = take_varint()
            continue
        size = 8 if tag & 7 == FIXED64 else take_varint()
        fields[tag >> 3], at = data[at : at + size], at + size
    return fields


class BinaryClient:
    def __init__(self, port):
        self.socket = WebSocket(port, protocol=BINARY_PROTOCOL)
        self.nonce = decode(decode(self.socket.receive_message())[16])[1]

    def request(self, number, body, request_id=300):
        self.socket.send_message(field(1, request_id) + field(number, body))
        return self.receive(lambda frame: frame.get(1) == request_id)

    def receive(self, matches):
        while True:
            frame = decode(self.socket.receive_message())
            if matches(frame):
                return frame

    def register_and_hello(self):
        device = Device(handle=fresh_handle())
        proof = device.sign("godwit/v1/register", self.nonce, device.public_key, device.handle.encode())
        body = field(1, device.handle) + field(2, device.public_key) + field(3, proof)
        registered = decode(self.request(16, body)[18])
        device.user_id = int.from_bytes(registered[1], "little")
        device.token = registered[3].decode()
        proof = device.sign("godwit/v1/hello", self.nonce, device.token.encode())
        welcome = decode(self.request(2, field(1, device.token) + field(2, proof))[17])
        assert int.from_bytes(welcome[1], "little") == device.user_id
        return device


@pytest.fixture
def binary(shared):
    client = BinaryClient(shared.client_port)
    yield client
    client.socket.close()


def test_binary_and_text_clients_talk(binary, people):
    alice = binary.register_and_hello()
    bob = people.new()
    id, payload = message_id(), bytes(range(256))
    body = field(1, id) + field(2, bob.device.user_id, fixed=True) + field(4, payload)
    assert decode(binary.request(3, body)[3])[1] == 1
    (envelope,) = bob.receive()
    assert (envelope.id, envelope.payload, envelope.sender) == (id, payload, alice.user_id)

    bob.send(alice, b"and back")
    deliver = binary.receive(lambda frame: 4 in frame)
    envelope = decode(decode(deliver[4])[1])
    assert (envelope[1], envelope[7], envelope[9]) == (1, 2, b"and back")
    assert int.from_bytes(envelope[3], "little") == bob.device.user_id
    binary.request(4, field(1, 1))
    bob.wait_watermark(alice, alice, delivered=2)


def test_sizes_stay_within_the_budget(binary, people):
    """A message of N bytes costs at most N + 48 bytes to the server and N + 56 to its recipient."""
    alice = binary.register_and_hello()
    bob = people.new()
    payload = bytes(200)
    body = field(1, message_id()) + field(2, bob.device.user_id, fixed=True) + field(4, payload)
    frame = field(1, 300) + field(3, body)
    assert len(frame) + 8 <= len(payload) + 48  # 8: WebSocket header with mask
    assert 3 in binary.request(3, body)
    bob.receive()
    binary.request(6, b"")  # a Ping, so that nothing else is on its way
    bob.send(alice, payload)
    before = binary.socket.bytes_read
    binary.receive(lambda frame: 4 in frame)
    assert binary.socket.bytes_read - before <= len(payload) + 56


def test_user_ids_of_64_bits_survive_the_text_protocol(people):
    alice, bob = people.pair()
    found = alice.request(lookupUser={"userId": str(bob.device.user_id)})
    assert found["userId"] == str(bob.device.user_id)
    alice.send_frame({"requestId": str(2**64 - 1), "ping": {}})
    assert "serverTimeMs" in alice.result(2**64 - 1)


def test_base64url_is_understood_on_input(people):
    alice, bob = people.pair()
    payload = bytes([0xFB, 0xFF, 0xFE])
    body = alice.send_body(bob.device, payload)
    body["payload"] = base64.urlsafe_b64encode(payload).decode()
    alice.request(send=body)
    assert bob.receive()[0].payload == payload
