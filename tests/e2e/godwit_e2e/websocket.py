"""A minimal blocking WebSocket client (RFC 6455) with control over every frame it sends."""

import base64
import hashlib
import os
import socket
import ssl
import struct
import time

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
CONTINUATION = 0
JSON_PROTOCOL = "godwit.v1.json"
BINARY_PROTOCOL = "godwit.v1"
WAIT_S = 20.0


class Closed(Exception):
    """The connection has ended. `code` is the close frame's, or None when the socket just broke."""

    def __init__(self, code=None, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code = code
        self.reason = reason


class Timeout(Exception):
    """What was waited for did not come in time."""


class UpgradeRefused(Exception):
    """The server answered the upgrade with an ordinary HTTP response."""

    def __init__(self, status, head):
        super().__init__(f"HTTP {status}")
        self.status = status
        self.head = head


def upgrade_request(protocol=JSON_PROTOCOL, path="/v1/ws", headers=()):
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
        f"Sec-WebSocket-Protocol: {protocol}",
        *headers,
    ]
    return key, ("\r\n".join(lines) + "\r\n\r\n").encode()


def encode_frame(opcode, payload, fin=True, mask=True):
    head = bytes([(0x80 if fin else 0) | opcode])
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += struct.pack("!BH", bit | 126, len(payload))
    else:
        head += struct.pack("!BQ", bit | 127, len(payload))
    if not mask:
        return head + payload
    # A mask of zeros is valid and leaves the bytes readable in a failing test.
    return head + bytes(4) + payload


class WebSocket:
    """One connection. Not thread-safe."""

    def __init__(
        self, port, *, protocol=JSON_PROTOCOL, tls_ca=None, first_bytes=b"", headers=(), receive_buffer=None
    ):
        self.protocol = protocol
        self._bytes = b""
        self._fragments = b""
        self.bytes_read = 0
        raw = socket.socket()
        try:
            if receive_buffer:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            raw.settimeout(WAIT_S)
            raw.connect(("127.0.0.1", port))
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if first_bytes:
                raw.sendall(first_bytes)
            if tls_ca:
                raw = ssl.create_default_context(cafile=tls_ca).wrap_socket(raw, server_hostname="localhost")
            self.socket = raw
            self._upgrade(headers)
        except BaseException:
            raw.close()
            raise

    def _upgrade(self, headers):
        key, request = upgrade_request(self.protocol, headers=headers)
        self.send_bytes(request)
        deadline = time.monotonic() + WAIT_S
        while b"\r\n\r\n" not in self._bytes:
            self._read_more(deadline)
        head, self._bytes = self._bytes.split(b"\r\n\r\n", 1)
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            raise UpgradeRefused(status, head.decode())
        accept = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert base64.b64encode(accept) in head, "the accept key is wrong"
        assert f"Sec-WebSocket-Protocol: {self.protocol}".encode() in head

    def _read_more(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise Timeout()
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            raise Timeout() from None
        except OSError as error:
            raise Closed(None, str(error)) from None
        if not data:
            raise Closed()
        self.bytes_read += len(data)
        self._bytes += data

    def send_bytes(self, data):
        self.socket.settimeout(WAIT_S)
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Closed(None, str(error)) from None

    def send_frame(self, opcode, payload=b"", fin=True, mask=True):
        self.send_bytes(encode_frame(opcode, payload, fin, mask))

    def send_message(self, payload):
        self.send_frame(TEXT if self.protocol == JSON_PROTOCOL else BINARY, payload)

    def receive_frame(self, timeout=WAIT_S):
        """The next frame as (opcode, payload). Raises Timeout, or Closed at the end of the stream."""
        deadline = time.monotonic() + timeout
        while True:
            frame = self._take_frame()
            if frame is not None:
                return frame
            self._read_more(deadline)

    def _take_frame(self):
        data = self._bytes
        if len(data) < 2:
            return None
        opcode, size, at = data[0] & 15, data[1] & 127, 2
        assert data[1] < 128, "a server must not mask"
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(data) < 2 + width:
                return None
            size, at = int.from_bytes(data[2 : 2 + width], "big"), 2 + width
        if len(data) < at + size:
            return None
        self._bytes = data[at + size :]
        return opcode, data[at : at + size]

    def receive_message(self, timeout=WAIT_S):
        """The payload of the next message. Raises Closed with the code when the server closes."""
        deadline = time.monotonic() + timeout
        while True:
            opcode, payload = self.receive_frame(max(0.0, deadline - time.monotonic()))
            if opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else None
                raise Closed(code, payload[2:].decode())
            if opcode in (TEXT, BINARY):
                return payload

    def wait_closed(self, timeout=WAIT_S):
        """Reads on until the connection ends; returns the Closed that tells how."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.receive_message(max(0.0, deadline - time.monotonic()))
            except Closed as closed:
                return closed

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass
