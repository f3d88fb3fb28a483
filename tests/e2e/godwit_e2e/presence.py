"""Presence and typing, on top of the JSON client: a function a request, and a watcher that remembers."""

import time
from dataclasses import dataclass

from .client import chat_or_peer, user_id
from .groups import ids
from .identity import b64, unb64
from .websocket import WAIT_S

HIDDEN, OFFLINE, IDLE, ONLINE = "PRESENCE_HIDDEN", "OFFLINE", "IDLE", "ONLINE"


@dataclass(frozen=True)
class Presence:
    state: str
    last_seen_ms: int = 0


NOTHING = Presence(HIDDEN)


def parse(body):
    """{user id: Presence} of Presences; nobody may be in it twice."""
    told = {}
    for entry in body.get("presences", []):
        user = int(entry["userId"])
        assert user not in told, "a user is told twice in one frame"
        told[user] = Presence(entry.get("state", HIDDEN), int(entry.get("lastSeenMs", 0)))
    return told


def watch_body(add=(), remove=(), groups=()):
    body = {"add": ids(add), "remove": ids(remove), "addMembersOf": [b64(chat) for chat in groups]}
    return {name: values for name, values in body.items() if values}


def set_presence(client, state):
    return client.request(setPresence={"state": state})


class Watcher:
    """What one connection is told: `known` is the newest of each user, `updates` is all of it in order."""

    def __init__(self, client):
        self.client = client
        self.known = {}
        self.updates = []  # (user id, Presence)
        self.frames = 0  # pushes

    def watch(self, *add, remove=(), groups=()):
        """The snapshot in the reply."""
        snapshot = parse(self.client.request(watchPresence=watch_body(add, remove, groups)))
        self.known.update(snapshot)
        return snapshot

    def unwatch(self, *users):
        assert self.watch(remove=users) == {}

    def _take(self, body):
        told = parse(body)
        assert told, "an empty update"
        self.frames += 1
        self.updates += told.items()
        self.known.update(told)

    def wait(self, user, state, timeout=WAIT_S):
        """The first Presence of this user with this state, that of now included."""
        deadline = time.monotonic() + timeout
        while self.known.get(user_id(user), NOTHING).state != state:
            self._take(self.client.wait_push("presences", timeout=max(0.0, deadline - time.monotonic())))
        return self.known[user_id(user)]

    def settle(self, seconds=0.3):
        """Takes what comes within a time that is several update intervals of the tests' daemons."""
        time.sleep(seconds)
        for body in self.client.take_pushes("presences"):
            self._take(body)
        return self

    def told_of(self, user):
        """All states pushed of this user, in order."""
        return [presence.state for who, presence in self.updates if who == user_id(user)]


# Typing


def type_in(client, where, state="TYPING"):
    """`where` is a user, or a group's 16 bytes."""
    return client.request(typing={**chat_or_peer(where), "state": state})


def wait_typing(client, sender, timeout=WAIT_S):
    """(state, group's bytes or none, expires_ms) of the next notice of this user."""
    body = client.wait_push("typingNotice", lambda notice: int(notice["from"]) == user_id(sender), timeout)
    return body.get("state", "TYPING"), unb64(body.get("chat", "")), body["expiresMs"]


def typing_heard(client):
    """Who was heard typing up to now, in order."""
    return [int(body["from"]) for body in client.take_pushes("typingNotice")]
