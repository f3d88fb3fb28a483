"""An account's archive has what the server holds of it, goes on after a kill, and shows nothing of others."""

import json
from collections import Counter

from godwit_e2e.client import ServerError
from godwit_e2e.identity import b64, unb64
from godwit_e2e.keys import Identity, claim_one, publish
from godwit_e2e.statuses import befriend, mute, post, remove_status, view


def parts(client, cursor=None):
    """(lines, cursor for the next) part by part."""
    while True:
        part = client.request(exportAccount={"cursor": cursor} if cursor else {})
        cursor = part.get("next")
        yield [json.loads(line) for line in unb64(part.get("lines", "")).decode().splitlines()], cursor
        if not cursor:
            return


def archive(client, cursor=None):
    return [line for lines, _ in parts(client, cursor) for line in lines]


def talk(daemon, sender, receiver, payloads):
    """Messages that both sides have a row of: sent, acknowledged, in the store."""
    seqs = sender.send_many(receiver.device, payloads)
    receiver.receive_all(len(payloads))
    sender.wait_watermark(receiver.device, receiver.device, delivered=seqs[-1])
    daemon.checkpoint()


def test_archive_has_all_that_there_is(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    carol = crowd.new(daemon)
    laptop = daemon.link(alice)
    alice.request(changeContacts={"add": [{"userId": str(bob.device.user_id), "note": b64(b"a friend")}]})
    alice.block(carol.device)
    alice.request(setPrivacy={"askFirst": True})
    talk(daemon, alice, bob, [b"one", b"two"])
    lines = archive(alice)
    kinds = Counter(line["kind"] for line in lines)
    assert kinds == {"account": 1, "device": 2, "cursor": 2, "privacy": 1, "block": 1, "contact": 1, "chat": 1,
                     "message": 2}
    of = {line["kind"]: line for line in lines}
    assert of["account"]["user"] == {"userId": str(alice.device.user_id), "handle": alice.device.handle}
    assert of["device"]["device"]["deviceId"] == laptop.device_id
    assert of["privacy"]["privacy"]["askFirst"] is True
    assert of["block"]["userId"] == str(carol.device.user_id)
    assert unb64(of["contact"]["contact"]["note"]) == b"a friend"
    assert of["chat"]["chat"]["peer"] == str(bob.device.user_id)
    messages = [line for line in lines if line["kind"] == "message"]
    assert [unb64(line["envelope"]["payload"]) for line in messages] == [b"one", b"two"]
    assert all(line["peer"] == str(bob.device.user_id) and int(line["timeMs"]) > 0 for line in messages)


def test_archive_has_own_statuses_without_content_and_who_is_muted(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    befriend(alice, bob)
    kept, removed = post(alice, b"kept"), post(alice, b"removed")
    remove_status(alice, removed.id)
    view(bob, alice, kept.id)
    mute(alice, bob)
    post(bob, b"of another")
    daemon.checkpoint()
    lines = archive(alice)
    (status,) = [line["status"] for line in lines if line["kind"] == "status"]
    assert (unb64(status["id"]), status["viewers"], status["views"]) == (kept.id, 1, 1)
    assert set(status) == {"id", "postedMs", "expiresMs", "viewers", "views"}
    (muted,) = [line for line in lines if line["kind"] == "status_muted"]
    assert muted["userId"] == str(bob.device.user_id)


def test_long_archive_comes_in_parts_and_goes_on_after_kill(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    talk(daemon, alice, bob, [bytes([i]) * 50_000 for i in range(20)])
    begun = parts(alice)
    lines, cursor = next(begun)
    assert cursor
    daemon.restart()
    rest = archive(crowd.login(alice.device, daemon), cursor)
    payloads = [unb64(line["envelope"]["payload"])[0] for line in lines + rest if line["kind"] == "message"]
    assert payloads == list(range(20))


def test_parts_are_bounded(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    talk(daemon, alice, bob, [bytes(20_000)] * 40)
    cursor, sizes = None, []
    while True:
        part = alice.request(exportAccount={"cursor": cursor} if cursor else {})
        sizes.append(len(unb64(part.get("lines", ""))))
        cursor = part.get("next")
        if not cursor:
            break
    assert max(sizes) <= 256 * 1024 and len(sizes) > 3


def test_hidden_messages_are_not_in_it(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    talk(daemon, alice, bob, [b"seen"])
    alice.block(bob.device)
    bob.send(alice.device, b"unseen")
    daemon.checkpoint()
    payloads = [unb64(line["envelope"]["payload"]) for line in archive(alice) if line["kind"] == "message"]
    assert payloads == [b"seen"]


def test_cursors_of_others_and_forged_ones_are_refused(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    talk(daemon, alice, bob, [bytes(50_000)] * 10)
    cursor = next(parts(alice))[1]
    assert bob.error_of(exportAccount={"cursor": cursor}).code == "invalid_argument"
    raw = unb64(cursor)
    for forged in (raw[:-1], raw + b"\0", b"\xff" + raw[1:], raw[:1] + b"\x7f" + raw[2:], bytes(len(raw))):
        assert alice.error_of(exportAccount={"cursor": b64(forged)}).code == "invalid_argument"


def test_one_archive_a_minute_is_begun_and_one_part_made_at_a_time(daemon, crowd):
    alice = crowd.new(daemon)
    first, second = alice.start(exportAccount={}), alice.start(exportAccount={})
    outcomes = []
    for request in (first, second):
        try:
            outcomes.append("kind" in unb64(alice.result(request)["lines"]).decode())
        except ServerError as error:
            outcomes.append(error.code)
    # Whether the first part is made by the time the second is asked for, is a matter of luck.
    assert outcomes in ([True, "too_many_requests_open"], [True, "rate_limited"])
    refused = alice.error_of(exportAccount={})
    assert refused.code == "rate_limited" and 0 < refused.retry_after_ms <= 60_000


def test_exports_deletions_and_revocations_leave_an_audit_line(daemon, crowd):
    alice = crowd.new(daemon)
    laptop = daemon.link(alice)
    user = str(alice.device.user_id)
    archive(alice)
    assert daemon.wait_log("audit", what="export_begun", user=user, device=1)
    alice.revoke(laptop.device_id)
    assert daemon.wait_log("audit", what="device_revoked", user=user, device=laptop.device_id)
    alice.request(deleteAccount=alice.delete_body())
    assert daemon.wait_log("audit", what="account_deleted", user=user)
    assert alice.device.handle not in daemon.log_text()
    assert daemon.metric("godwit_exports_total") == 1 and daemon.metric("godwit_export_parts_total") == 1


def test_archive_has_the_public_keys(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    identity = Identity(alice.device)
    last, packages = b64(identity.package(last_resort=True)), identity.packages(3)
    prekey, signed = identity.prekey(), identity.signed_prekey()
    publish(
        alice, **identity.body(), keyPackages=[last, *packages], oneTimePrekeys=[prekey], signedPrekey=signed
    )
    daemon.checkpoint()
    claim_one(bob, alice)
    packages += identity.packages(1)
    publish(alice, keyPackages=packages[-1:])
    lines = [line for line in archive(alice) if line["kind"] in ("keys", "one_time_key")]
    told = lines[0]["keys"]
    assert lines[0]["kind"] == "keys" and unb64(told["identityKey"]) == identity.public_key
    assert told["signedPrekey"] == signed and told["keyPackage"] == last
    one_time = [line["keys"] for line in lines[1:]]
    assert one_time[0]["oneTimePrekey"] == prekey
    assert [keys["keyPackage"] for keys in one_time[1:]] == packages[1:], "what was given out is not ours any more"


def test_archive_of_many_keys_goes_on_in_parts(daemon, crowd):
    alice = crowd.new(daemon)
    identity = Identity(alice.device)
    packages = [b64(identity.package(filler=bytes(3500))) for _ in range(100)]
    for first in range(0, 100, 10):
        publish(alice, **identity.body(), keyPackages=packages[first : first + 10])
    daemon.checkpoint()
    taken = list(parts(alice))
    assert len(taken) > 1
    lines = [line for some, _ in taken for line in some]
    assert [line["keys"]["keyPackage"] for line in lines if line["kind"] == "one_time_key"] == packages
    assert sum(line["kind"] == "keys" for line in lines) == 1
