"""Messages with a time to live: afterwards there is no content in logs, inboxes and files."""

import os
import time

import pytest
from godwit_e2e.daemon import wait_until
from godwit_e2e.groups import change_group, create_group, list_chats, payloads, refused, set_timer

TWO_YEARS_S = 2 * 366 * 24 * 3600
# How much later than its time a message may still be there.
LATE_S = 5.0


def wait_expired(client, where, chat_seq):
    """Waits until the client's history has the entry without its content."""

    def found():
        page, _, _ = client.history(where, after=str(chat_seq - 1), limit=1)
        assert page[0].chat_seq == chat_seq
        return page[0] if page[0].gone else None

    entry = wait_until(found, 1 + LATE_S, "the end of its time to live")
    assert (entry.gone, entry.payload) == ("EXPIRED", b"")


def test_message_with_a_time_to_live_expires(people):
    alice, bob = people.pair()
    seq = alice.send(bob, b"brief", ttlS=1)
    alice.send(bob, b"kept")
    first, _ = bob.receive(2)
    assert (first.payload, first.ttl_s) == (b"brief", 1), "until then it is delivered as ever"
    for client, where in ((alice, bob), (bob, alice)):
        wait_expired(client, where, seq)
        assert payloads(client.history(where)[0]) == [b"", b"kept"]


def test_message_is_there_until_its_time_is_over(people):
    alice, bob = people.pair()
    began = time.monotonic()
    alice.send(bob, b"brief", ttlS=2)
    time.sleep(1)
    page = bob.history(alice)[0]
    assert payloads(page) == [b"brief"] or time.monotonic() - began > 2


def test_message_of_a_group_expires_for_all_members(people):
    alice, bob, carol = people.new(), people.new(), people.new()
    chat = create_group(alice, bob, carol)
    seq = alice.send(chat, b"brief", ttlS=1)
    for member in (alice, bob, carol):
        wait_expired(member, chat, seq)


def test_device_that_was_away_gets_the_entry_without_content(people, shared):
    alice, away = people.new(), shared.register()
    chat = create_group(alice, away)
    direct, in_group = alice.send(away, b"brief", ttlS=1), alice.send(chat, b"brief", ttlS=1)
    alice.send(away, b"sentinel")
    wait_expired(alice, away, direct)
    wait_expired(alice, chat, in_group)
    entries = people.login(away).receive_until(b"sentinel")
    assert b"brief" not in payloads(entries)
    gone = [(e.chat, e.chat_seq, e.gone) for e in entries if e.gone]
    assert gone == [(b"", direct, "EXPIRED"), (chat, in_group, "EXPIRED")]
    assert [e.seq for e in entries] == list(range(1, len(entries) + 1)), "the inbox has no holes"


def test_timer_of_a_group_counts_for_what_is_sent_from_then_on(people):
    alice, bob = people.pair()
    chat = create_group(alice, bob)
    before = alice.send(chat, b"before")
    with refused("not_allowed"):
        change_group(bob, chat, settings={"ttl_s": 1})
    change_group(alice, chat, settings={"ttl_s": 1})
    seq = bob.send(chat, b"brief")
    wait_expired(alice, chat, seq)
    page, _, _ = bob.history(chat, after=str(before - 1), limit=1)
    assert page[0].payload == b"before"


@pytest.mark.parametrize("setter", [0, 1], ids=["by the first", "by the second"])
def test_timer_of_a_direct_chat_counts_for_both(people, setter):
    pair = people.pair()
    alice, bob = pair
    alice.send(bob, b"before")
    assert set_timer(pair[setter], pair[1 - setter], 1) == {}
    told = pair[1 - setter].receive_event("ttlS")
    assert told.event["ttlS"] == 1 and told.sender == pair[setter].device.user_id
    by_alice, by_bob = alice.send(bob, b"brief"), bob.send(alice, b"brief")
    wait_expired(bob, alice, by_alice)
    wait_expired(alice, bob, by_bob)
    assert payloads(alice.history(bob)[0]) == [b"before", b"", b""]


def test_timer_of_zero_keeps_messages(people):
    alice, bob = people.pair()
    alice.send(bob, b"before")
    set_timer(alice, bob, 1)
    set_timer(bob, alice, 0)
    assert list_chats(bob)[alice.device.user_id].get("ttlS", 0) == 0
    seq = alice.send(bob, b"kept")
    expiring = alice.send(bob, b"brief", ttlS=1)  # of the same moment, so that the wait is not in vain
    wait_expired(bob, alice, expiring)
    page, _, _ = bob.history(alice, after=str(seq - 1), limit=1)
    assert page[0].payload == b"kept"


def test_own_time_to_live_goes_before_the_chats(people):
    alice, bob = people.pair()
    chat = create_group(alice, bob, settings={"ttl_s": 3600})
    seq = alice.send(chat, b"brief", ttlS=1)
    wait_expired(bob, chat, seq)


def test_time_beyond_a_year_is_refused(people):
    alice, bob = people.pair()
    chat = create_group(alice, bob)
    alice.send(bob, b"x")
    for where in (bob, chat):
        with refused("invalid_argument"):
            alice.send(where, b"x", ttlS=TWO_YEARS_S)
    with refused("invalid_argument"):
        set_timer(alice, bob, TWO_YEARS_S)
    with refused("invalid_argument"):
        change_group(alice, chat, settings={"ttl_s": TWO_YEARS_S})
    with refused("invalid_argument"):
        create_group(alice, bob, settings={"ttl_s": 2**32 - 1})


def test_timer_wants_another_user(people):
    alice = people.new()
    with refused("invalid_argument"):
        set_timer(alice, alice, 60)
    with refused("user_not_found"):
        set_timer(alice, 77, 60)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_time_runs_on_while_the_server_is_down(daemons, crowd, how):
    daemon = daemons({"journal.checkpoint_interval_ms": 100} if how == "stop" else {}).start()
    alice, away = crowd.new(daemon), daemon.register()
    seq = alice.send(away, b"brief", ttlS=1)
    alice.send(away, b"sentinel")
    daemon.stop() if how == "stop" else daemon.kill()
    time.sleep(1)
    daemon.start()
    back = crowd.login(away, daemon)
    wait_expired(back, alice, seq)
    away_again = crowd.login(away, daemon, cursor=0)
    assert payloads(away_again.receive_until(b"sentinel")) == [b"", b"sentinel"]


def test_expired_content_leaves_the_disk(daemon, crowd):
    alice = crowd.new(daemon)
    bob = daemon.register()
    chat = create_group(alice, bob)
    timed = create_group(alice, bob, settings={"ttl_s": 2})
    kept, *brief = (os.urandom(48) for _ in range(4))
    alice.send(bob, kept)
    positions = [
        (bob, alice.send(bob, brief[0], ttlS=2)),
        (chat, alice.send(chat, brief[1], ttlS=2)),
        (timed, alice.send(timed, brief[2])),
    ]
    daemon.checkpoint()
    for content in (kept, *brief):
        assert daemon.files_with(content), "the search would find it"
    time.sleep(1)
    for where, position in positions:
        wait_expired(alice, where, position)
    daemon.compact()
    for content in brief:
        assert daemon.files_with(content) == []
    assert daemon.files_with(kept)
