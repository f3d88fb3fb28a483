"""Calls, on top of the JSON client: a function a request, and waits for what is pushed."""

import ctypes
import ctypes.util
import struct
import time
from dataclasses import dataclass

from .client import chat_or_peer, user_id
from .identity import b64, message_id, unb64
from .websocket import WAIT_S


@dataclass(frozen=True)
class Placed:
    id: bytes  # as asked for
    ring_ms: int
    devices: int
    instead: bytes


@dataclass(frozen=True)
class Offer:
    id: bytes
    caller: int
    device: int
    kind: str
    offer: bytes
    ring_ms: int


@dataclass(frozen=True)
class Change:
    id: bytes
    peer: int
    phase: str
    device: int
    answer: bytes
    reason: str

    @staticmethod
    def of(body):
        return Change(
            unb64(body["id"]),
            int(body.get("peer", 0)),
            body.get("phase", "CALLING"),
            body.get("device", 0),
            unb64(body.get("answer", "")),
            body.get("reason", "CALL_GOES_ON"),
        )


@dataclass(frozen=True)
class Signal:
    sender: int
    device: int
    chat: bytes
    kind: str
    payloads: tuple

    @staticmethod
    def of(body):
        return Signal(
            int(body["from"]),
            body["fromDevice"],
            unb64(body.get("chat", "")),
            body.get("kind", "CANDIDATES"),
            tuple(unb64(payload) for payload in body["payloads"]),
        )


@dataclass(frozen=True)
class State:
    """CallState."""

    id: bytes
    peer: int
    chat: bytes
    phase: str
    kind: str
    caller: int
    placed_ms: int
    connected: dict  # whether, by (user, device)
    token: bytes

    @staticmethod
    def of(body):
        connected = {}
        for one in body.get("participants", []):
            key = int(one["userId"]), one["deviceId"]
            assert key not in connected, "a device is in the call twice"
            connected[key] = one.get("connected", False)
        return State(
            unb64(body["id"]),
            int(body.get("peer", 0)),
            unb64(body.get("chat", "")),
            body.get("phase", "CALLING"),
            body.get("kind", "AUDIO"),
            int(body["caller"]),
            int(body["placedMs"]),
            connected,
            unb64(body.get("token", "")),
        )


@dataclass(frozen=True)
class Record:
    """CallRecord, with what its envelope says."""

    id: bytes
    kind: str
    reason: str
    duration_s: int
    participants: int
    caller: int
    message_id: bytes

    @staticmethod
    def of(envelope):
        body = envelope.event["call"]
        return Record(
            unb64(body["id"]),
            body.get("kind", "AUDIO"),
            body.get("reason", "CALL_GOES_ON"),
            body.get("durationS", 0),
            body.get("participants", 0),
            envelope.sender,
            envelope.id,
        )


def ref(client):
    """(user, device) of a connection, as in State.connected."""
    return client.device.user_id, client.device.device_id


def named(id, where):
    """`where` is the other side of a direct call, or a group's 16 bytes."""
    return {"id": b64(id), **chat_or_peer(where)}


# Requests


def place_body(peer, offer=b"offer", kind="AUDIO", id=None):
    return {"id": b64(id or message_id()), "peer": str(user_id(peer)), "kind": kind, "offer": b64(offer)}


def placed(body, reply):
    return Placed(
        unb64(body["id"]),
        reply.get("ringMs", 0),
        reply.get("devices", 0),
        unb64(reply.get("instead", "")),
    )


def place(client, peer, offer=b"offer", kind="AUDIO", id=None):
    """Placed."""
    body = place_body(peer, offer, kind, id)
    return placed(body, client.request(placeCall=body))


def ring(client, id, caller):
    return client.request(ringCall=named(id, caller))


def answer_body(id, caller, answer=b"answer"):
    return {**named(id, caller), "answer": b64(answer)}


def answer(client, id, caller, payload=b"answer"):
    return client.request(answerCall=answer_body(id, caller, payload))


def signal_body(id, where, payloads, kind="CANDIDATES", to=None):
    """`to` is a connection: with groups, to whom."""
    body = {**named(id, where), "kind": kind, "payloads": [b64(payload) for payload in payloads]}
    if to is not None:
        body.update(to=str(ref(to)[0]), toDevice=ref(to)[1])
    return body


def signal(client, id, where, *payloads, kind="CANDIDATES", to=None):
    return client.request(signalCall=signal_body(id, where, payloads, kind, to))


def end(client, id, where, reason="HUNG_UP"):
    return client.request(endCall={**named(id, where), "reason": reason})


def resume(client, id, where):
    """State."""
    return State.of(client.request(resumeCall=named(id, where)))


def join_body(chat, id=None, kind="AUDIO", token=b""):
    body = {"id": b64(id or message_id()), "chat": b64(chat), "kind": kind}
    return {**body, "token": b64(token)} if token else body


def join(client, chat, id=None, kind="AUDIO", token=b""):
    """State."""
    return State.of(client.request(joinCall=join_body(chat, id, kind, token)))


def get_call(client, where):
    """State."""
    return State.of(client.request(getCall=chat_or_peer(where)))


# Pushes


def wait_offer(client, id=None, timeout=WAIT_S):
    body = client.wait_push("callOffered", lambda body: id in (None, unb64(body["id"])), timeout)
    return Offer(
        unb64(body["id"]),
        int(body["from"]),
        body["fromDevice"],
        body.get("kind", "AUDIO"),
        unb64(body["offer"]),
        body["ringMs"],
    )


def wait_change(client, id, phase, timeout=WAIT_S):
    """The next Change of this call to this phase; others before it are dropped."""
    deadline = time.monotonic() + timeout
    while True:
        body = client.wait_push("callChanged", timeout=max(0.0, deadline - time.monotonic()))
        change = Change.of(body)
        if (change.id, change.phase) == (id, phase):
            return change


def wait_end(client, id, timeout=WAIT_S):
    """Why this connection is told that the call is over."""
    return wait_change(client, id, "ENDED", timeout).reason


def wait_signal(client, id, timeout=WAIT_S):
    return Signal.of(client.wait_push("callSignaled", lambda body: unb64(body["id"]) == id, timeout))


def wait_state(client, matches, timeout=WAIT_S):
    """The first pushed State that matches; others before it are dropped."""
    deadline = time.monotonic() + timeout
    while True:
        body = client.wait_push("callState", timeout=max(0.0, deadline - time.monotonic()))
        state = State.of(body)
        if matches(state):
            return state


def wait_record(client, id=None, timeout=WAIT_S):
    """The next CallRecord, of this call; other entries of the inbox before it are dropped."""

    def matches(envelope):
        return "call" in (envelope.event or {}) and id in (None, Record.of(envelope).id)

    return Record.of(client.receive_until(matches, timeout)[-1])


def records(client, where):
    """All CallRecords in the history of a chat, oldest first."""
    entries, _, more = client.history(where)
    assert not more
    return [Record.of(envelope) for envelope in entries if "call" in (envelope.event or {})]


def establish(caller, callee, id=None, **offer):
    """A direct call that is answered: its id."""
    call = place(caller, callee, id=id, **offer).id
    wait_offer(callee, call)
    answer(callee, call, caller)
    wait_change(caller, call, "ACTIVE")
    return call


class _Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def direct_chat_id(one, other):
    """The 16 bytes of a direct chat, which anybody can compute: XXH3 of both ids, the smaller first."""
    library = ctypes.CDLL(ctypes.util.find_library("xxhash"))
    library.XXH3_128bits.restype = _Hash128
    library.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    data = struct.pack("<QQ", *sorted((user_id(one), user_id(other))))
    hashed = library.XXH3_128bits(data, len(data))
    return struct.pack(">QQ", hashed.high, hashed.low)
