"""GetGroupInfo: what the latest commit left, for members and for who comes by a link."""

import pytest
from godwit_e2e.commits import (
    GroupInfo, change_with_commit, commit_body, create_encrypted, group_info, send_commit,
)  # fmt: skip
from godwit_e2e.groups import change_group, create_group, make_link, refused
from godwit_e2e.identity import b64, message_id

MIB = 1 << 20


@pytest.fixture
def group(people):
    alice, bob = people.pair()
    return alice, bob, create_group(alice, bob)


def test_latest_commit_counts_and_one_that_brings_nothing_leaves_nothing(group):
    alice, bob, chat = group
    assert group_info(bob, chat) == GroupInfo(0, b"", b"", chat)
    send_commit(alice, chat, 0, info=b"info 1", tree=b"tree 1")
    assert group_info(bob, chat) == GroupInfo(1, b"info 1", b"tree 1", chat)
    send_commit(bob, chat, 1, info=b"info 2")
    assert group_info(alice, chat) == GroupInfo(2, b"info 2", b"", chat)
    send_commit(bob, chat, 2)
    assert group_info(alice, chat) == GroupInfo(3, b"", b"", chat)


def test_the_same_from_the_store(daemons, crowd):
    daemon = daemons({"journal.checkpoint_interval_ms": 100}).start()
    alice, bob = crowd.pair(daemon)
    chat, other = create_group(alice, bob), create_group(alice, bob)
    send_commit(alice, chat, 0, info=b"info", tree=b"tree")
    send_commit(alice, other, 0, info=b"info")
    daemon.stop()
    daemon.start()
    bob = crowd.login(bob.device, daemon)
    assert group_info(bob, chat) == GroupInfo(1, b"info", b"tree", chat)
    send_commit(bob, other, 1)
    daemon.stop()
    daemon.start()
    bob = crowd.login(bob.device, daemon)
    assert group_info(bob, other) == GroupInfo(2, b"", b"", other)


def test_the_same_after_kill(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    chat = create_group(alice, bob)
    send_commit(alice, chat, 0, info=b"info", tree=b"tree")
    daemon.restart()
    bob = crowd.login(bob.device, daemon)
    assert group_info(bob, chat) == GroupInfo(1, b"info", b"tree", chat)


def test_only_members_are_told(group, people):
    alice, bob, chat = group
    send_commit(alice, chat, 0, info=b"info")
    change_group(alice, chat, remove=[bob])
    for outsider in (bob, people.new()):
        with refused("chat_not_found"):
            group_info(outsider, chat)


def test_direct_chats_have_one(people):
    alice, bob = people.pair()
    assert group_info(alice, bob) == GroupInfo(0, b"", b"", b"")
    send_commit(alice, bob, 0, info=b"info", tree=b"tree")
    assert group_info(bob, alice) == GroupInfo(1, b"info", b"tree", b"")


def test_who_has_a_link_joins_by_it(people):
    alice, carol = people.pair()
    chat = create_encrypted(alice)
    send_commit(alice, chat, 0, info=b"info", tree=b"tree")
    link = make_link(alice, chat, max_uses=1)["link"]
    told = group_info(carol, link=link)
    assert told == GroupInfo(1, b"info", b"tree", chat)
    asked = {"id": b64(message_id()), "link": link}
    with refused("commit_needed"):
        carol.request(joinGroup=asked)
    joined = carol.request(joinGroup={**asked, "commit": commit_body(told.epoch, b"external", info=b"info 2")})
    entry = carol.receive()[0]
    assert (entry.chat_seq, entry.payload, entry.ends_epoch) == (int(joined["chatSeq"]), b"external", 1)
    assert group_info(carol, chat).info == b"info 2"
    with refused("invite_link_invalid"):
        group_info(people.new(), link=link)


def test_links_that_wait_for_an_admin_tell_nothing(people):
    alice, carol = people.pair()
    chat = create_encrypted(alice)
    send_commit(alice, chat, 0, info=b"info")
    link = make_link(alice, chat, approve=True)["link"]
    with refused("not_allowed"):
        group_info(carol, link=link)
    with refused("invite_link_invalid"):
        group_info(carol, link="godwit-group:1:" + "A" * 43)
    with refused("invalid_argument"):
        carol.request(joinGroup={"id": b64(message_id()), "link": link, "commit": commit_body(1, b"too early")})
    waits = carol.request(joinGroup={"id": b64(message_id()), "link": link})
    assert int(waits.get("chatSeq", 0)) == 0
    answer = {"chat": b64(chat), "userId": str(carol.device.user_id), "accept": True}
    with refused("commit_needed"):
        alice.request(answerJoin={**answer, "id": b64(message_id())})
    commit = commit_body(1, b"commit", joins=[carol])
    alice.request(answerJoin={**answer, "id": b64(message_id()), "commit": commit})
    entry = carol.receive()[0]
    assert (entry.payload, entry.welcome) == (b"commit", b"welcome")


def test_banned_users_are_not_told_by_link(people):
    alice, bob = people.pair()
    chat = create_encrypted(alice)
    change_with_commit(alice, chat, 0, add=[bob], joins=[bob])
    link = make_link(alice, chat)["link"]
    change_with_commit(alice, chat, 1, ban=[bob])
    with refused("not_allowed"):
        group_info(bob, link=link)


def test_megabytes_are_told_one_at_a_time(group):
    alice, bob, chat = group
    send_commit(alice, chat, 0, info=bytes(MIB), tree=bytes(MIB))
    requests = [bob.start(getGroupInfo={"chat": b64(chat)}) for _ in range(2)]
    replies = [bob.reply(request) for request in requests]
    kinds = sorted(next(iter(reply)) for reply in replies)
    assert kinds in (["error", "groupInfo"], ["groupInfo", "groupInfo"])
    assert len(group_info(bob, chat).tree) == MIB


def test_exactly_one_chat_is_named(people):
    alice, bob = people.pair()
    for asked in ({}, {"peer": str(bob.device.user_id), "link": "x"}, {"chat": b64(b"short")}):
        with refused("invalid_argument"):
            alice.request(getGroupInfo=asked)
