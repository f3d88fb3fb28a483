"""Groups and what else there is to chats, on top of the JSON client: one function a request.

Users are given as clients, devices or ids. A chat is a group's 16 bytes, or the other user of a direct chat.
"""

import time
from contextlib import contextmanager
from dataclasses import dataclass

from .client import ServerError, chat_or_peer, user_id
from .identity import b64, message_id, unb64
from .websocket import WAIT_S


@contextmanager
def refused(code):
    """What stands inside must be answered with this error, which is yielded as a list of one."""
    caught = []
    try:
        yield caught
    except ServerError as error:
        assert error.code == code, f"refused with {error} instead of {code}"
        caught.append(error)
        return
    raise AssertionError(f"served instead of refused with {code}")


def ids(users):
    return [str(user_id(user)) for user in users]


# Groups


@dataclass(frozen=True)
class Changed:
    """GroupChanged."""

    chat: bytes
    chat_seq: int
    version: int
    not_added: tuple

    @staticmethod
    def of(body):
        return Changed(
            unb64(body["chat"]),
            int(body.get("chatSeq", 0)),
            int(body.get("version", 0)),
            tuple(int(user) for user in body.get("notAdded", [])),
        )


@dataclass(frozen=True)
class Group:
    """Group, with all its members."""

    name: bytes
    settings: dict
    version: int
    epoch: int
    member_count: int
    roles: dict  # of user ids
    joined: dict  # of user ids
    chat_end: int
    banned: tuple

    def owner(self):
        (owner,) = [user for user, role in self.roles.items() if role == "OWNER"]
        return owner


def create(client, *members, name=b"", settings=None, id=None):
    """Changed."""
    body = {"id": b64(id or message_id()), "name": b64(name), "members": ids(members)}
    if settings is not None:
        body["settings"] = settings
    return Changed.of(client.request(createGroup=body))


def create_group(client, *members, **more):
    """The group's 16 bytes."""
    return create(client, *members, **more).chat


def change_body(chat, id=None, **changes):
    """`add`, `remove`, `ban`, `unban` are users, `roles` is a role by user; the rest as in the schema."""
    body = {"id": b64(id or message_id()), "chat": b64(chat)}
    for name, value in changes.items():
        if name in ("add", "remove", "ban", "unban"):
            body[name] = ids(value)
        elif name == "roles":
            body[name] = [{"userId": str(user_id(user)), "role": role} for user, role in value.items()]
        else:
            body[name] = b64(value) if isinstance(value, bytes) else value
    return body


def change_group(client, chat, id=None, **changes):
    """Changed."""
    return Changed.of(client.request(changeGroup=change_body(chat, id, **changes)))


def leave(client, chat):
    return change_group(client, chat, remove=[client])


def group_page(client, chat, after=0, limit=0):
    """GetGroup as it comes: one page of the members."""
    return client.request(getGroup={"chat": b64(chat), "after": str(after), "limit": limit})


def get_group(client, chat, limit=1000):
    """The whole group, page by page."""
    roles, joined, after = {}, {}, 0
    while True:
        page = group_page(client, chat, after, limit)
        for member in page["members"]:
            after = int(member["userId"])
            roles[after], joined[after] = member["role"], int(member["joinedSeq"])
        if not page.get("more", False):
            break
    return Group(
        name=unb64(page.get("name", "")),
        settings=page.get("settings", {}),
        version=int(page["version"]),
        epoch=int(page.get("epoch", 0)),
        member_count=page["memberCount"],
        roles=roles,
        joined=joined,
        chat_end=int(page["chatEnd"]),
        banned=tuple(int(user) for user in page.get("banned", [])),
    )


def event_roles(envelope):
    """Who came in or changed their role by this event, by user id."""
    return {int(member["userId"]): member["role"] for member in envelope.event.get("members", [])}


def event_users(envelope, name):
    """The users of a list in this event: removed, banned, unbanned."""
    return [int(user) for user in envelope.event.get(name, [])]


def payloads(envelopes):
    """Of those that are messages."""
    return [envelope.payload for envelope in envelopes if envelope.event is None]


# Invite links


def make_link(client, chat, **options):
    """InviteLink, with its link_id as it comes."""
    return client.request(makeInviteLink={"chat": b64(chat), **options})


def revoke_link(client, chat, link):
    return client.request(revokeInviteLink={"chat": b64(chat), "linkId": link["linkId"]})


def list_links(client, chat):
    return client.request(listInviteLinks={"chat": b64(chat)}).get("links", [])


def join(client, link, id=None):
    """Changed. `link` is InviteLink, or its text."""
    text = link["link"] if isinstance(link, dict) else link
    return Changed.of(client.request(joinGroup={"id": b64(id or message_id()), "link": text}))


def join_requests(client, chat):
    return [int(user) for user in client.request(listJoinRequests={"chat": b64(chat)}).get("users", [])]


def answer_join(client, chat, user, accept):
    body = {"id": b64(message_id()), "chat": b64(chat), "userId": str(user_id(user)), "accept": accept}
    return Changed.of(client.request(answerJoin=body))


# Receipts


def receipts(client, chat, chat_seq=0, **page):
    """Receipts, with `members` as {user id: (delivered, read)}."""
    body = client.request(getReceipts={"chat": b64(chat), "chatSeq": str(chat_seq), **page})
    members = {
        int(member["userId"]): (int(member.get("delivered", 0)), int(member.get("read", 0)))
        for member in body.get("members", [])
    }
    return {"delivered": 0, "read": 0, "of": 0, "more": False, **body, "members": members}


def wait_receipts(client, chat, chat_seq, positions, timeout=WAIT_S):
    """Waits until the list has these positions, {user: (delivered, read)}: they are recorded in intervals."""
    wanted = {user_id(user): position for user, position in positions.items()}
    deadline = time.monotonic() + timeout
    while True:
        told = receipts(client, chat, chat_seq)
        if wanted.items() <= told["members"].items():
            return told
        assert time.monotonic() < deadline, f"{told} instead of {wanted}"
        time.sleep(0.01)


def wait_counts(client, chat, chat_seq, delivered, read, timeout=WAIT_S):
    """Waits for the push that tells these counts of the message; returns `of`."""
    wanted, got = (delivered, read), None
    deadline = time.monotonic() + timeout
    while got != wanted:
        push = client.wait_push(
            "receiptCounts", lambda body: unb64(body["chat"]) == chat, max(0.0, deadline - time.monotonic())
        )
        assert 1 <= len(push["counts"]) <= 32
        for count in push["counts"]:
            if int(count["chatSeq"]) == chat_seq:
                got, of = (count.get("delivered", 0), count.get("read", 0)), count["of"]
    return of


# Chats and messages


def list_chats(client, limit=0):
    """All of the user's chats, page by page: {group's bytes or peer's id: ChatInfo}."""
    chats, after = {}, {}
    while True:
        page = client.request(listChats={"limit": limit, **after})
        for info in page.get("chats", []):
            key = unb64(info["chat"]) if "chat" in info else int(info["peer"])
            assert key not in chats, "a chat is listed twice"
            chats[key] = info
        if "next" not in page:
            return chats
        after = {"after": page["next"]}


def remove_message(client, where, chat_seq, for_everyone=True, id=None):
    body = {**chat_or_peer(where), "chatSeq": str(chat_seq), "forEveryone": for_everyone}
    if for_everyone:
        body["id"] = b64(id or message_id())
    return client.request(removeMessage=body)


def set_timer(client, peer, ttl_s):
    body = {"id": b64(message_id()), "peer": str(user_id(peer)), "ttlS": ttl_s}
    return client.request(setTimer=body)


def trace(client, where, id):
    """MessageTrace."""
    return client.request(traceMessage={**chat_or_peer(where), "id": b64(id)})


def set_privacy(client, **settings):
    return client.request(setPrivacy=settings)


def add_contacts(client, *users):
    return client.request(changeContacts={"add": [{"userId": user} for user in ids(users)]})


def answer_request(client, peer, accept):
    return client.request(answerRequest={"peer": str(user_id(peer)), "accept": accept})


def device_payload(device, payload):
    """A part of Send.device_payloads."""
    return {"userId": str(device.user_id), "deviceId": device.device_id, "payload": b64(payload)}


def send_to_devices(client, to, parts, id=None, **more):
    """Sends a payload per device; `parts` are made by device_payload. Returns the chat sequence."""
    body = {"id": b64(id or message_id()), **chat_or_peer(to, "to"), "devicePayloads": parts, **more}
    return int(client.request(send=body)["chatSeq"])
