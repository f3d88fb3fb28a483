"""A client of godwit.v1, the binary subprotocol, field by field."""

from .identity import Device, fresh_handle
from .websocket import BINARY_PROTOCOL, WebSocket

# A Protobuf encoder of ten lines, so that no generated code stands between a test and the wire.
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
