"""A group's history in pages, and the list of chats with which a fresh device begins."""

import pytest
from godwit_e2e.client import chat_or_peer
from godwit_e2e.daemon import wait_until
from godwit_e2e.groups import change_group, create_group, leave, list_chats, payloads, refused, set_timer

MESSAGES = 230
END = MESSAGES + 1  # the group's creation has position 1


@pytest.fixture(scope="module")
def chat(shared):
    """A reader and a group with 230 messages, payload == position."""
    peer = shared.register()
    reader = shared.login(shared.register())
    with shared.login(peer) as writer:
        chat = create_group(writer, reader)
        writer.send_many(chat, [b"%d" % i for i in range(2, END + 1)])
    yield reader, chat
    reader.close()


def positions(page):
    envelopes, end, _ = page
    assert end == END
    assert all(e.seq == 0 and (e.event or e.payload == b"%d" % e.chat_seq) for e in envelopes)
    return [e.chat_seq for e in envelopes]


# History


def test_without_a_range_the_newest_fifty_come(chat):
    reader, group = chat
    page = reader.history(group)
    assert positions(page) == list(range(END - 49, END + 1)) and page[2]


def test_backward_reaches_the_beginning(chat):
    reader, group = chat
    seen, before, more = [], 0, True
    while more:
        page = reader.history(group, before=str(before), limit=100)
        seen, before, more = positions(page) + seen, page[0][0].chat_seq, page[2]
    assert seen == list(range(1, END + 1))


def test_forward_reaches_the_end(chat):
    reader, group = chat
    seen, more = [], True
    while more:
        page = reader.history(group, after=str(seen[-1] if seen else 0), limit=100)
        seen, more = seen + positions(page), page[2]
    assert seen == list(range(1, END + 1))


def test_first_entry_is_the_creation(chat):
    reader, group = chat
    ((first, second), _, _) = reader.history(group, after="0", limit=2)
    assert first.event["created"] and first.payload == b"" and second.event is None


def test_limit_beyond_the_bound_is_cut(chat):
    reader, group = chat
    page = reader.history(group, limit=1000)
    assert positions(page) == list(range(END - 199, END + 1)) and page[2]


def test_ranges_beyond_the_ends_are_empty(chat):
    reader, group = chat
    assert reader.history(group, before="1") == ([], END, False)
    assert reader.history(group, after=str(END)) == ([], END, False)
    assert reader.history(group, after="99999999") == ([], END, False)
    assert positions(reader.history(group, before="99999999", limit=2)) == [END - 1, END]


def test_bad_ranges_are_refused(chat):
    reader, group = chat
    for bad in (
        {**chat_or_peer(group), "before": "5", "after": "1"},
        {**chat_or_peer(group), "peer": str(reader.device.user_id + 1)},
        {},
    ):
        assert reader.error_of(history=bad).code == "invalid_argument"


def test_log_is_whole_across_store_and_tail(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    group = create_group(alice, bob)
    alice.send_many(group, [b"%d" % i for i in range(30)])
    daemon.stop()
    daemon.start()
    alice = crowd.login(alice.device, daemon)
    alice.send_many(group, [b"%d" % i for i in range(30, 60)])
    envelopes, end, more = alice.history(group, after="0", limit=100)
    assert payloads(envelopes) == [b"%d" % i for i in range(60)]
    assert [e.chat_seq for e in envelopes] == list(range(1, 62)) and (end, more) == (61, False)


# The list of chats


def test_fresh_device_finds_all_chats_with_their_positions(people, shared):
    alice, bob = people.pair()
    group = create_group(alice, bob)
    alice.send_many(group, [b"%d" % i for i in range(3)])  # 2, 3, 4
    alice.send_many(bob, [b"%d" % i for i in range(5)])
    bob.read(group, 2)
    bob.read(alice, 1)
    alice.read(bob, 3)
    fresh = people.login(shared.link(bob))
    wait_until(lambda: list_chats(fresh)[alice.device.user_id].get("peerRead") == "3", 5, "the positions")
    chats = list_chats(fresh)
    assert set(chats) == {group, alice.device.user_id}
    in_group, direct = chats[group], chats[alice.device.user_id]
    assert (in_group["end"], in_group["read"], in_group["unread"]) == ("4", "2", "2")
    assert (direct["end"], direct["read"], direct["unread"]) == ("5", "1", "4")
    assert (direct["peerDelivered"], direct["peerRead"]) == ("3", "3")
    assert int(in_group["version"]) > 0 and int(in_group["endTimeMs"]) > 0 and int(direct["endTimeMs"]) > 0
    assert not in_group.get("left", False) and not direct.get("request", False)
    # From the list on, a page of each chat is all that a fresh device needs.
    assert payloads(fresh.history(group)[0]) == [b"0", b"1", b"2"]


def test_read_chat_has_nothing_unread(people):
    alice, bob = people.pair()
    group = create_group(alice, bob)
    seq = alice.send(group, b"news")
    alice.send(bob, b"news")
    bob.read(group, seq)
    bob.read(alice, 1)
    wait_until(lambda: not any(info.get("unread") for info in list_chats(bob).values()), 5, "nothing unread")


def test_chats_come_in_pages_each_once(people, shared):
    alice = people.new()
    friends = shared.register_many(6)
    for friend in friends:
        alice.send(friend, b"hello")
    groups = [create_group(alice, *friends[:2]) for _ in range(6)]
    expected = {*groups, *(friend.user_id for friend in friends)}
    assert set(list_chats(alice)) == expected
    for limit in (1, 5, 12):
        assert set(list_chats(alice, limit)) == expected
    first = alice.request(listChats={"limit": 5})
    assert len(first["chats"]) == 5 and "next" in first


def test_nobodys_list_is_empty(people):
    assert people.new().request(listChats={}) == {}


def test_left_group_is_listed_as_left_and_ends_there(people):
    alice, bob, carol = people.new(), people.new(), people.new()
    group = create_group(alice, bob, carol)
    leave(bob, group)
    change_group(alice, group, remove=[carol])
    end = alice.send(group, b"without you")
    assert int(list_chats(alice)[group]["end"]) == end
    for gone in (bob, carol):
        info = list_chats(gone)[group]
        assert info["left"] and int(info["end"]) < end


def test_timer_is_listed(people):
    alice, bob = people.pair()
    alice.send(bob, b"hello")
    set_timer(alice, bob, 3600)
    group = create_group(alice, bob, settings={"ttl_s": 60})
    chats = list_chats(bob)
    assert (chats[alice.device.user_id]["ttlS"], chats[group]["ttlS"]) == (3600, 60)


def test_limit_beyond_the_bound_is_cut_or_served(people):
    alice, bob = people.pair()
    alice.send(bob, b"hello")
    assert len(alice.request(listChats={"limit": 2**32 - 1})["chats"]) == 1
    assert alice.error_of(listChats={"after": "AAAA"}).code == "invalid_argument"


@pytest.mark.parametrize("where", ["tail", "store", "after kill"])
def test_list_survives_a_restart(daemons, crowd, where):
    daemon = daemons({"journal.checkpoint_interval_ms": 100} if where == "store" else {}).start()
    alice, bob = crowd.pair(daemon)
    group = create_group(alice, bob)
    left = create_group(alice, bob)
    seq = alice.send(group, b"news")
    alice.send(bob, b"news")
    leave(bob, left)
    if where != "after kill":  # positions are not synced at once, as messages are
        bob.read(group, seq)
        bob.read(alice, 1)
        wait_until(lambda: all(info.get("read") for info in list_chats(bob).values() if not info.get("left")))
    before = list_chats(bob)
    assert set(before) == {group, left, alice.device.user_id}
    if where == "after kill":
        daemon.restart()
    else:
        daemon.stop()
        daemon.start()
    bob = crowd.login(bob.device, daemon)
    assert list_chats(bob) == before
    with refused("chat_not_found"):
        bob.send(left, b"x")
