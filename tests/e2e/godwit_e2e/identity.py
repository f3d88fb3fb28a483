"""Device keys, proofs and message ids, as docs/protocol.md has them (sections Proofs and Sending)."""

import base64
import os
import struct
import time
from dataclasses import dataclass, field

from nacl.signing import SigningKey


def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    return base64.b64decode(text, validate=True)


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Device:
    """One device of one account."""

    key: SigningKey = field(default_factory=SigningKey.generate)
    user_id: int = 0
    device_id: int = 0
    token: str = ""
    handle: str = ""

    @property
    def public_key(self):
        return self.key.verify_key.encode()

    def sign(self, context, *fields):
        """The proof over `context` and the fields, as the table in docs/protocol.md gives them."""
        return self.key.sign(context.encode() + b"\0" + b"".join(fields)).signature


def user_bytes(user_id):
    return struct.pack("!Q", user_id)


def device_bytes(device_id):
    return struct.pack("!I", device_id)


def now_ms():
    return int(time.time() * 1000)


def message_id(time_ms=None):
    """A UUIDv7 (RFC 9562)."""
    when = now_ms() if time_ms is None else time_ms
    tail = bytearray(os.urandom(10))
    tail[0] = 0x70 | (tail[0] & 0x0F)
    tail[2] = 0x80 | (tail[2] & 0x3F)
    return when.to_bytes(6, "big") + bytes(tail)


def fresh_handle(prefix="u"):
    return f"{prefix}{os.urandom(6).hex()}"
