"""A client of godwit.v1.json: one connection, requests and pushes."""

import json
import time
from collections import deque
from dataclasses import dataclass

from .identity import Device, b64, device_bytes, fresh_handle, message_id, unb64, user_bytes
from .websocket import WAIT_S, Timeout, WebSocket


class ServerError(Exception):
    """A request was answered with Error."""

    def __init__(self, body):
        super().__init__(f"{body.get('code')}: {body.get('message')}")
        self.code = body.get("code")
        self.retryable = body.get("retryable", False)
        self.retry_after_ms = body.get("retryAfterMs", 0)
        self.epoch = int(body["epoch"]) if "epoch" in body else None
        self.missing = [(int(ref["userId"]), ref.get("deviceId", 0)) for ref in body.get("missing", [])]
        self.extra = [(int(ref["userId"]), ref.get("deviceId", 0)) for ref in body.get("extra", [])]


@dataclass(frozen=True)
class Envelope:
    seq: int
    id: bytes
    sender: int
    device: int
    to: int
    chat_seq: int
    payload: bytes  # empty where the envelope has none
    chat: bytes = b""
    event: dict = None  # as in JSON
    gone: str = ""
    ttl_s: int = 0
    relates_to: bytes = b""
    ends_epoch: int = None
    welcome: bytes = b""

    @staticmethod
    def of(body):
        assert "devicePayloads" not in body, "device payloads are never sent to clients"
        assert "joins" not in body, "whom a commit lets in is never sent to clients"
        return Envelope(
            int(body.get("seq", 0)),
            unb64(body.get("id", "")),
            int(body.get("from", 0)),
            body.get("fromDevice", 0),
            int(body.get("to", 0)),
            int(body["chatSeq"]),
            unb64(body.get("payload", "")),
            unb64(body.get("chat", "")),
            body.get("event"),
            body.get("gone", ""),
            body.get("ttlS", 0),
            unb64(body.get("relatesTo", "")),
            int(body["endsEpoch"]) if "endsEpoch" in body else None,
            unb64(body.get("welcome", "")),
        )


def user_id(who):
    """The id of a user, who is given as a client, a device or an id."""
    return getattr(getattr(who, "device", who), "user_id", who)


def chat_or_peer(where, peer="peer"):
    """How a request names a chat: a group by its 16 bytes, a direct chat by the other party."""
    return {"chat": b64(where)} if isinstance(where, bytes) else {peer: str(user_id(where))}


class Client:
    """One connection. What the server pushes is kept in `pushes` until it is taken."""

    def __init__(self, port, **options):
        self.socket = WebSocket(port, **options)
        self.pushes = deque()
        self.replies = {}
        self.device = None
        self.welcome = None
        self.next_id = 1
        self.challenge = self.wait_push("challenge")
        self.nonce = unb64(self.challenge["nonce"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # Frames

    def send_frame(self, frame):
        self.socket.send_message(json.dumps(frame).encode())

    def read_one(self, timeout=WAIT_S):
        frame = json.loads(self.socket.receive_message(timeout))
        request_id = int(frame.pop("requestId", 0))
        if request_id:
            assert request_id not in self.replies, "a request was answered twice"
            self.replies[request_id] = frame
        else:
            self.pushes.append(frame)

    def start(self, **body):
        """Sends a request and does not wait; returns its id."""
        request_id, self.next_id = self.next_id, self.next_id + 1
        self.send_frame({"requestId": str(request_id), **body})
        return request_id

    def reply(self, request_id, timeout=WAIT_S):
        """The whole reply as it comes, {kind: body}; an error, too."""
        deadline = time.monotonic() + timeout
        while request_id not in self.replies:
            self.read_one(max(0.0, deadline - time.monotonic()))
        return self.replies.pop(request_id)

    def result(self, request_id, timeout=WAIT_S):
        """The reply's body. Raises ServerError."""
        ((kind, body),) = self.reply(request_id, timeout).items()
        if kind == "error":
            raise ServerError(body)
        return body

    def request(self, **body):
        return self.result(self.start(**body))

    def answer_to(self, **body):
        """As reply."""
        return self.reply(self.start(**body))

    def notice(self, **body):
        self.send_frame(body)

    def error_of(self, **body):
        """The error that answers the request; fails when it is answered otherwise."""
        try:
            reply = self.request(**body)
        except ServerError as error:
            return error
        raise AssertionError(f"answered {reply} instead of an error")

    def wait_push(self, kind, matches=lambda body: True, timeout=WAIT_S):
        """Takes the first push of this kind that matches; others stay."""
        deadline = time.monotonic() + timeout
        seen = 0
        while True:
            while seen < len(self.pushes):
                frame = self.pushes[seen]
                if kind in frame and matches(frame[kind]):
                    del self.pushes[seen]
                    return frame[kind]
                seen += 1
            self.read_one(max(0.0, deadline - time.monotonic()))

    def take_pushes(self, kind):
        """All pushes of this kind that have come, after a round trip."""
        self.request(ping={})
        taken = [frame[kind] for frame in self.pushes if kind in frame]
        self.pushes = deque(frame for frame in self.pushes if kind not in frame)
        return taken

    def wait_closed(self, timeout=WAIT_S):
        return self.socket.wait_closed(timeout)

    # Accounts

    def register_body(self, device, **more):
        proof = device.sign("godwit/v1/register", self.nonce, device.public_key, device.handle.encode())
        return {"handle": device.handle, "deviceKey": b64(device.public_key), "signature": b64(proof), **more}

    def register(self, handle=None, device=None, **more):
        device = device or Device()
        device.handle = handle or fresh_handle()
        reply = self.request(register=self.register_body(device, **more))
        device.user_id, device.device_id = int(reply["userId"]), reply["deviceId"]
        device.token = reply.get("token", "")
        return device

    def hello_body(self, device, cursor=None, token=None, nonce=None, signer=None, **more):
        token = device.token if token is None else token
        proof = (signer or device).sign("godwit/v1/hello", nonce or self.nonce, token.encode())
        body = {"token": token, "signature": b64(proof), **more}
        if cursor is not None:
            body["cursor"] = str(cursor)
        return body

    def hello(self, device, **options):
        self.welcome = self.request(hello=self.hello_body(device, **options))
        self.device = device
        return self.welcome

    def refresh(self, device):
        proof = device.sign(
            "godwit/v1/refresh", self.nonce, user_bytes(device.user_id), device_bytes(device.device_id)
        )
        asked = {"userId": str(device.user_id), "deviceId": device.device_id, "signature": b64(proof)}
        reply = self.request(refreshToken=asked)
        device.token = reply["token"]
        return reply

    def link_begin(self, device, **more):
        proof = device.sign("godwit/v1/link-begin", self.nonce, device.public_key)
        body = {"deviceKey": b64(device.public_key), "signature": b64(proof), **more}
        return unb64(self.request(linkBegin=body)["linkId"])

    def approve_body(self, link_id, new_key):
        proof = self.device.sign("godwit/v1/link-approve", link_id, new_key, user_bytes(self.device.user_id))
        return {"linkId": b64(link_id), "deviceKey": b64(new_key), "signature": b64(proof)}

    def devices(self):
        return self.request(listDevices={}).get("devices", [])

    def revoke(self, device_id):
        return self.request(revokeDevice={"deviceId": device_id})

    def delete_body(self):
        proof = self.device.sign("godwit/v1/delete-account", self.nonce, user_bytes(self.device.user_id))
        return {"signature": b64(proof)}

    def block(self, user, lift=False):
        return self.request(block={"userId": str(user.user_id), "lift": lift})

    # Messages

    @staticmethod
    def send_body(to, payload, id=None, **more):
        """`to` is a user, or a group's 16 bytes."""
        return {"id": b64(id or message_id()), **chat_or_peer(to, "to"), "payload": b64(payload), **more}

    def send(self, to, payload=b"hello", id=None, **more):
        """Returns the chat sequence."""
        return int(self.request(send=self.send_body(to, payload, id, **more))["chatSeq"])

    def send_many(self, to, payloads, window=256):
        """Many at once; returns when all are acknowledged."""
        positions = []
        for first in range(0, len(payloads), window):
            some = payloads[first : first + window]
            open_requests = [self.start(send=self.send_body(to, payload)) for payload in some]
            positions += [int(self.result(request)["chatSeq"]) for request in open_requests]
        return positions

    def receive(self, count=1, timeout=WAIT_S):
        """Exactly `count` envelopes, in the order they came."""
        deadline = time.monotonic() + timeout
        envelopes = []
        while len(envelopes) < count:
            body = self.wait_push("deliver", timeout=max(0.0, deadline - time.monotonic()))
            envelopes += [Envelope.of(entry) for entry in body["envelopes"]]
        assert len(envelopes) == count, f"{len(envelopes)} envelopes instead of {count}"
        return envelopes

    def receive_all(self, count, timeout=WAIT_S):
        """As receive, acknowledging every frame, so that windows do not matter."""
        deadline = time.monotonic() + timeout
        envelopes = []
        while len(envelopes) < count:
            body = self.wait_push("deliver", timeout=max(0.0, deadline - time.monotonic()))
            envelopes += [Envelope.of(entry) for entry in body["envelopes"]]
            self.notice(ack={"cursor": str(envelopes[-1].seq)})
        assert len(envelopes) == count, f"{len(envelopes)} envelopes instead of {count}"
        return envelopes

    def receive_until(self, wanted, timeout=WAIT_S):
        """Those that come, in order, up to the first with the payload `wanted`, or that satisfies it."""
        matches = wanted if callable(wanted) else lambda envelope: envelope.payload == wanted
        deadline = time.monotonic() + timeout
        envelopes = []
        while True:
            entries = self.wait_push("deliver", timeout=max(0.0, deadline - time.monotonic()))["envelopes"]
            for taken, entry in enumerate(entries, 1):
                envelopes.append(Envelope.of(entry))
                if matches(envelopes[-1]):
                    if entries[taken:]:
                        self.pushes.appendleft({"deliver": {"envelopes": entries[taken:]}})
                    return envelopes

    def receive_event(self, name, timeout=WAIT_S):
        """The first envelope whose event has this field; what comes before it is dropped."""
        return self.receive_until(lambda envelope: name in (envelope.event or {}), timeout)[-1]

    def ack(self, cursor):
        return self.request(ack={"cursor": str(cursor)})

    def read(self, peer, chat_seq):
        return self.request(read={**chat_or_peer(peer), "chatSeq": str(chat_seq)})

    def history(self, peer, **range_):
        """(envelopes, chat_end, more); `peer` is a user, or a group's 16 bytes."""
        page = self.request(history={**chat_or_peer(peer), **range_})
        envelopes = [Envelope.of(entry) for entry in page.get("envelopes", [])]
        return envelopes, int(page.get("chatEnd", 0)), page.get("more", False)

    def wait_watermark(self, peer, member, delivered=0, read=0, timeout=WAIT_S):
        """Waits until the pushed positions of `member` in the chat with `peer` are at least these."""
        deadline = time.monotonic() + timeout
        got = {"delivered": 0, "read": 0}
        while got["delivered"] < delivered or got["read"] < read:
            body = self.wait_push("watermarks", timeout=max(0.0, deadline - time.monotonic()))
            for mark in body["watermarks"]:
                if int(mark.get("peer", 0)) == user_id(peer) and int(mark["member"]) == user_id(member):
                    for name in got:
                        got[name] = max(got[name], int(mark.get(name, 0)))
        return got

    def wait_caught_up(self):
        return int(self.wait_push("caughtUp").get("seq", 0))


def is_quiet(client, seconds):
    """True when nothing at all comes for this long."""
    try:
        client.read_one(seconds)
    except Timeout:
        return True
    return False
