"""Keys for end-to-end encryption, on top of the JSON client: key packages of our own make, requests, proofs.

Key packages are encoded as RFC 9420 has them, the log is verified as docs/protocol/keys.md has it.
"""

import hashlib
import os
import struct
import time
from dataclasses import dataclass, field

from nacl.bindings import crypto_scalarmult_base
from nacl.signing import SigningKey, VerifyKey

from .client import user_id
from .identity import b64, device_bytes, unb64, user_bytes

LAST_RESORT = 10
DAY_S = 24 * 3600


def fresh_x25519():
    return crypto_scalarmult_base(os.urandom(32))


def fresh_ml_kem(size=1184):
    """Bytes that have the form of an encapsulation key: every coefficient is below the modulus."""
    return bytes(byte & 0x77 if place % 3 else byte for place, byte in enumerate(os.urandom(size)))


# RFC 9420


def opaque(data):
    """opaque<V>: the length as in section 2.1.2, then the bytes."""
    size = len(data)
    head = struct.pack("!B", size) if size < 64 else struct.pack("!H", 0x4000 | size)
    return head + data


def u16s(*values):
    return opaque(struct.pack(f"!{len(values)}H", *values))


def sign_with_label(key, label, content):
    return key.sign(opaque(b"MLS 1.0 " + label) + opaque(content)).signature


def key_package(key, identity, *, last_resort=False, not_before=None, not_after=None, filler=b"", suite=1, init_key=None):
    """An encoded KeyPackage with the signature key `key`. `filler` goes into an extension."""
    now = int(time.time())
    not_before = now - 3600 if not_before is None else not_before
    not_after = now + 90 * DAY_S if not_after is None else not_after
    leaf = opaque(fresh_x25519()) + opaque(key.verify_key.encode()) + struct.pack("!H", 1) + opaque(identity)
    leaf += u16s(1) + u16s(suite) + u16s(LAST_RESORT) + u16s() + u16s(1)
    leaf += struct.pack("!BQQ", 1, not_before, not_after) + opaque(b"")
    leaf += opaque(sign_with_label(key, b"LeafNodeTBS", leaf))
    extensions = struct.pack("!H", LAST_RESORT) + opaque(b"") if last_resort else b""
    if filler:
        extensions += struct.pack("!H", 0xF000) + opaque(filler)
    package = struct.pack("!HH", 1, suite) + opaque(init_key or fresh_x25519()) + leaf + opaque(extensions)
    return package + opaque(sign_with_label(key, b"KeyPackageTBS", package))


@dataclass
class Identity:
    """The identity key of a device, and what it makes of it."""

    device: object
    key: SigningKey = field(default_factory=SigningKey.generate)
    next_id: int = 1

    @property
    def public_key(self):
        return self.key.verify_key.encode()

    @property
    def name(self):
        return user_bytes(self.device.user_id) + device_bytes(self.device.device_id)

    def _id(self):
        self.next_id += 1
        return self.next_id - 1

    def body(self):
        """The fields of PublishKeys that publish the identity."""
        by_identity = self.key.sign(b"godwit/v1/identity\0" + self.device.public_key + self.name).signature
        by_device = self.device.sign("godwit/v1/device-identity", self.public_key, self.name)
        return {
            "identityKey": b64(self.public_key),
            "identitySignature": b64(by_identity),
            "deviceSignature": b64(by_device),
        }

    def package(self, **more):
        return key_package(self.key, self.name, **more)

    def packages(self, count, **more):
        return [b64(self.package(**more)) for _ in range(count)]

    def prekey(self, id=None, public_key=None):
        return {"id": id or self._id(), "publicKey": b64(public_key or fresh_x25519())}

    def _signed(self, context, id, public_key):
        id = id or self._id()
        signature = self.key.sign(context + b"\0" + device_bytes(id) + public_key).signature
        return {"id": id, "publicKey": b64(public_key), "signature": b64(signature)}

    def signed_prekey(self, id=None, public_key=None):
        return self._signed(b"godwit/v1/prekey", id, public_key or fresh_x25519())

    def pq_prekey(self, id=None, public_key=None):
        return self._signed(b"godwit/v1/pq-prekey", id, public_key or fresh_ml_kem())


def publish(client, **body):
    """KeyStock."""
    return client.request(publishKeys=body)


def enroll(client, packages=0, last_resort=False, **more):
    """Publishes a fresh identity with so many key packages: the Identity."""
    identity = Identity(client.device)
    bodies = identity.packages(packages)
    if last_resort:
        bodies.append(b64(identity.package(last_resort=True)))
    publish(client, **identity.body(), keyPackages=bodies, **more)
    return identity


def stock(client):
    return client.request(getKeyStock={})


def claim_body(users, key_packages=True, **more):
    return {"users": [str(user_id(user)) for user in users], "keyPackages": key_packages, **more}


def claim(client, *users, **more):
    """ClaimedKeys, whose proof is verified."""
    reply = client.request(claimKeys=claim_body(users, **more))
    verify_claimed(reply, unb64(client.welcome["logKey"]))
    return reply


def claim_one(client, user, **more):
    """UserKeys of one user."""
    reply = claim(client, user, **more)
    assert [int(one["userId"]) for one in reply["users"]] == [user_id(user)]
    return reply["users"][0]


def packages_of(user_keys):
    """Key packages by device."""
    return {
        device["deviceId"]: unb64(device["keyPackage"])
        for device in user_keys.get("devices", [])
        if "keyPackage" in device
    }


# The log


def leaf_hash(user, version, time_ms, previous, devices):
    """`devices`: [(id, device key, identity key)] in order of id."""
    entry = b"godwit/v1/log-entry\0" + struct.pack("!QQQQI", user, version, time_ms, previous, len(devices))
    for device, device_key, identity_key in devices:
        entry += device_bytes(device) + device_key + identity_key
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(leaves, size, proof):
    """The root that the proof gives for the leaves, {index: hash}. Uses all of the proof."""
    hashes = list(proof)

    def subtree(low, high):
        if not any(low <= index < high for index in leaves):
            return hashes.pop(0)
        if high - low == 1:
            return leaves[low]
        half = 1 << ((high - low - 1).bit_length() - 1)
        return node_hash(subtree(low, low + half), subtree(low + half, high))

    root = subtree(0, size) if size else hashlib.sha256(b"").digest()
    assert not hashes, "the proof has more than it needs"
    return root


def verify_head(head, log_key):
    size, time_ms = int(head.get("size", 0)), int(head["timeMs"])
    signed = b"godwit/v1/tree-head\0" + struct.pack("!Q", size) + unb64(head["root"]) + struct.pack("!Q", time_ms)
    VerifyKey(log_key).verify(signed, unb64(head["signature"]))
    return size, unb64(head["root"])


def log_leaf(entry):
    """(index, hash) of UserKeys or KeyLogEntry."""
    devices = [
        (one["deviceId"], unb64(one["deviceKey"]), unb64(one["identityKey"])) for one in entry.get("devices", [])
    ]
    hashed = leaf_hash(
        int(entry["userId"]), int(entry["version"]), int(entry["timeMs"]), int(entry.get("previous", 0)), devices
    )
    return int(entry.get("logIndex", entry.get("index", 0))), hashed


def verify_entries(entries, head, proof, log_key):
    size, root = verify_head(head, log_key)
    leaves = dict(log_leaf(entry) for entry in entries)
    if not leaves:
        return
    assert root_of(leaves, size, [unb64(one) for one in proof]) == root, "the proof does not lead to the root"


def verify_claimed(reply, log_key):
    known = [user for user in reply.get("users", []) if int(user.get("version", 0))]
    verify_entries(known, reply["head"], reply.get("proof", []), log_key)


def key_log(client, **asked):
    """All entries, page by page, each page verified."""
    log_key, entries, start = unb64(client.welcome["logKey"]), [], asked.pop("start", 0)
    while True:
        page = client.request(listKeyLog={"from": str(start), **asked})
        some = page.get("entries", [])
        verify_entries(some, page["head"], page.get("proof", []), log_key)
        entries += some
        if not page.get("more"):
            return entries
        assert some, "an empty page that is not the last"
        last = some[-1]
        start = int(last["version"] if "userId" in asked else last.get("index", 0)) + 1


def check_chains(entries):
    """That the entries of a whole log are a consistent history; the latest of each user."""
    latest = {}
    for place, entry in enumerate(entries):
        assert int(entry.get("index", 0)) == place, "a hole in the log"
        before = latest.get(entry["userId"])
        assert int(entry["version"]) == (int(before["version"]) + 1 if before else 1), "versions have a hole"
        assert int(entry.get("previous", 0)) == (int(before.get("index", 0)) + 1 if before else 0), "a wrong `previous`"
        latest[entry["userId"]] = entry
    return latest
