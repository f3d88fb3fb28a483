"""Commits of group encryption, on top of the JSON client. To the server they are opaque, so any bytes will do."""

from dataclasses import dataclass

from .client import chat_or_peer
from .groups import Changed, change_group, list_chats
from .identity import b64, message_id, unb64


def device_ref(who):
    """A client, a device, or a pair of ids."""
    device = getattr(who, "device", who)
    user, id = device if isinstance(device, tuple) else (device.user_id, device.device_id)
    return {"userId": str(user), "deviceId": id}


def commit_body(epoch, payload=b"", joins=(), welcome=b"welcome", info=b"", tree=b""):
    """Commit; `joins` are clients, devices or pairs of ids."""
    body = {"endsEpoch": str(epoch)}
    for name, value in (("payload", payload), ("groupInfo", info), ("ratchetTree", tree)):
        if value:
            body[name] = b64(value)
    if joins:
        body.update(welcome=b64(welcome), joins=[device_ref(one) for one in joins])
    return body


def send_commit(client, chat, epoch, payload=b"commit", id=None, **parts):
    """The position in the log."""
    return client.send(chat, payload, id, commit=commit_body(epoch, **parts))


def change_with_commit(client, chat, epoch, id=None, joins=(), info=b"", tree=b"", **changes):
    """Changed. The commit message is b"commit"."""
    commit = commit_body(epoch, b"commit", joins, info=info, tree=tree)
    return change_group(client, chat, id, commit=commit, **changes)


def create_encrypted(client):
    """The 16 bytes of a group that is marked as encrypted, with nobody else in it."""
    body = {"id": b64(message_id()), "encrypted": True}
    return Changed.of(client.request(createGroup=body)).chat


@dataclass(frozen=True)
class GroupInfo:
    epoch: int
    info: bytes
    tree: bytes
    chat: bytes


def group_info(client, chat=None, link=None):
    """GetGroupInfo: of a group, of the direct chat with a user, or by a link."""
    asked = {"link": link} if link else chat_or_peer(chat)
    body = client.request(getGroupInfo=asked)
    return GroupInfo(
        int(body.get("epoch", 0)),
        unb64(body.get("groupInfo", "")),
        unb64(body.get("ratchetTree", "")),
        unb64(body.get("chat", "")),
    )


def direct_epoch(client, peer):
    """The epoch of a direct chat, by the chat list."""
    return int(list_chats(client)[peer.device.user_id].get("epoch", 0))
