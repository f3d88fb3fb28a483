"""Commits: one ends an epoch, with all that it brings or not at all, and only whom it lets in gets the welcome."""

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.commits import commit_body, direct_epoch, group_info, send_commit
from godwit_e2e.groups import change_group, create_group, get_group, refused, set_privacy
from godwit_e2e.identity import b64, message_id

MIB = 1 << 20


@pytest.fixture
def group(people):
    alice, bob = people.pair()
    return alice, bob, create_group(alice, bob)


def test_of_two_commits_for_one_epoch_the_second_is_told_the_present_one(group):
    alice, bob, chat = group
    seq = send_commit(alice, chat, 0, b"first")
    with refused("stale_epoch") as caught:
        send_commit(bob, chat, 0, b"second")
    assert caught[0].epoch == 1 and get_group(bob, chat).epoch == 1
    envelope = bob.receive_until(b"first")[-1]
    assert (envelope.chat_seq, envelope.ends_epoch, envelope.welcome) == (seq, 0, b"")
    assert get_group(bob, chat).chat_end == seq, "a stale commit takes no position"


def test_commits_that_meet_are_decided_one_after_the_other(group):
    alice, bob, chat = group
    starts = [
        (client, client.start(send=client.send_body(chat, b"%d" % i, commit=commit_body(0))))
        for i, client in enumerate([alice, bob] * 10)
    ]
    won = 0
    for client, request in starts:
        try:
            client.result(request)
            won += 1
        except ServerError as error:
            assert (error.code, error.epoch) == ("stale_epoch", 1)
    assert won == 1


def test_same_commit_again_is_answered_with_the_original(group, people):
    alice, bob, chat = group
    id = message_id()
    seq = send_commit(alice, chat, 0, id=id, joins=[bob])
    send_commit(bob, chat, 1)
    alice = people.login(alice.device)
    assert send_commit(alice, chat, 0, id=id, joins=[bob]) == seq
    with refused("message_id_reused"):
        send_commit(alice, chat, 0, b"another", id=id)


@pytest.mark.parametrize("direct", [True, False])
def test_welcome_is_for_the_joining_device_alone(people, shared, direct):
    alice, bob = people.pair()
    bob2 = people.login(shared.link(bob))
    bob3 = people.login(shared.link(bob))
    bob3.close()
    chat = None if direct else create_group(alice, bob)
    send_commit(alice, chat or bob, 0, b"commit", joins=[bob2, bob3], welcome=b"come in")
    bob3 = people.login(bob3.device)
    for client, welcome in ((bob, b""), (bob2, b"come in"), (bob3, b"come in")):
        assert client.receive_until(b"commit")[-1].welcome == welcome
        assert client.history(chat or alice)[0][-1].welcome == welcome
    assert alice.history(chat or bob)[0][-1].welcome == b""


def test_welcome_is_found_after_a_restart(daemons, crowd):
    daemon = daemons({"journal.checkpoint_interval_ms": 100}).start()
    alice, bob = crowd.pair(daemon)
    send_commit(alice, bob, 0, b"commit", joins=[bob], welcome=b"come in")
    daemon.stop()
    daemon.start()
    bob = crowd.login(bob.device, daemon, cursor=0)
    assert bob.receive()[0].welcome == b"come in"
    assert bob.history(alice)[0][0].welcome == b"come in"


def test_devices_that_are_revoked_or_of_others_are_named_and_nothing_happens(group, people, shared):
    alice, bob, chat = group
    bob2 = people.login(shared.link(bob))
    carol = people.new()
    bob.revoke(bob2.device.device_id)
    outsider = (carol.device.user_id, carol.device.device_id)
    revoked = (bob2.device.user_id, bob2.device.device_id)
    for where in (chat, bob):
        for joins, extra in (([bob, carol], [outsider]), ([bob, bob2], [revoked])):
            with refused("device_list_stale") as caught:
                send_commit(alice, where, 0, joins=joins)
            assert caught[0].extra == extra
    assert get_group(alice, chat).epoch == 0
    assert send_commit(alice, bob, 0, joins=[bob]) == 1


def test_removed_member_cannot_commit(group):
    alice, bob, chat = group
    change_group(alice, chat, remove=[bob])
    with refused("chat_not_found"):
        send_commit(bob, chat, 0)
    assert get_group(alice, chat).epoch == 0


def test_members_who_may_not_post_renew_their_keys(group):
    alice, bob, chat = group
    change_group(alice, chat, settings={"may_post": "ADMIN"})
    send_commit(bob, chat, 0)
    with refused("not_allowed"):
        bob.send(chat)
    assert get_group(alice, chat).epoch == 1


def test_direct_chats_have_epochs(people):
    alice, bob = people.pair()
    send_commit(alice, bob, 0, b"first", joins=[bob])
    alice.send(bob, b"message")
    send_commit(bob, alice, 1, b"second")
    with refused("stale_epoch") as caught:
        send_commit(alice, bob, 1)
    assert caught[0].epoch == 2
    assert direct_epoch(alice, bob) == direct_epoch(bob, alice) == 2
    seen = bob.receive_until(b"message")
    assert [(e.ends_epoch, e.welcome) for e in seen] == [(0, b"welcome"), (None, b"")]


def test_what_does_not_belong_together_is_refused(group):
    alice, bob, chat = group
    wrong = [
        {"ttlS": 60, "commit": commit_body(0)},
        {"endsEpoch": "0", "commit": commit_body(0)},
        {"commit": commit_body(0, b"a payload of its own")},
        {"commit": {**commit_body(0), "welcome": b64(b"for nobody")}},
        {"commit": {**commit_body(0, joins=[bob]), "welcome": ""}},
    ]
    for more in wrong:
        with refused("invalid_argument"):
            alice.send(chat, b"commit", **more)
    with refused("invalid_argument"):
        alice.send(chat, b"", commit=commit_body(0))
    with refused("message_to_self"):
        send_commit(alice, alice, 0)
    with refused("too_large"):
        send_commit(alice, chat, 0, joins=[(bob.device.user_id, 1)] * 8001)


def test_megabytes_pass_and_more_are_refused(group):
    alice, bob, chat = group
    parts = {"joins": [bob], "welcome": bytes(MIB), "info": bytes(MIB), "tree": bytes(MIB)}
    send_commit(alice, chat, 0, bytes(MIB), **parts)
    envelope = bob.receive_until(lambda e: e.ends_epoch == 0)[-1]
    assert (len(envelope.payload), len(envelope.welcome)) == (MIB, MIB)
    assert bob.history(chat)[0][-1].welcome == bytes(MIB)
    for name in ("welcome", "info", "tree"):
        with refused("too_large"):
            send_commit(alice, chat, 1, joins=[bob], **{name: bytes(MIB + 1)})
    with refused("too_large"):
        send_commit(alice, chat, 1, bytes(MIB + 1))
    assert get_group(alice, chat).epoch == 1


def test_pages_of_history_take_no_more_than_they_should(group):
    alice, bob, chat = group
    for epoch in range(4):
        send_commit(alice, chat, epoch, bytes(700_000))
    page, end, more = bob.history(chat)
    assert [e.chat_seq for e in page] == [end] and more
    page, _, more = bob.history(chat, after="1")
    assert [e.chat_seq for e in page] == [2] and more


def test_commits_are_rated_by_their_size(daemons, crowd):
    daemon = daemons({"chat.group_sender_messages_per_s": 1}).start()
    alice, bob = crowd.pair(daemon)
    chat = create_group(alice, bob)
    send_commit(alice, chat, 0, bytes(200_000))
    with refused("rate_limited") as caught:
        send_commit(alice, chat, 1, bytes(200_000))
    assert caught[0].retry_after_ms > 0 and get_group(bob, chat).epoch == 1


def test_commits_are_neither_removed_for_everyone_nor_read_by_being_sent(group):
    alice, bob, chat = group
    seq = send_commit(alice, chat, 0)
    asked = {"id": b64(message_id()), "chat": b64(chat), "chatSeq": str(seq), "forEveryone": True}
    with refused("message_not_found"):
        alice.request(removeMessage=asked)
    alice.send(chat, b"unread")
    send_commit(bob, chat, 1)
    (info,) = [one for one in bob.request(listChats={})["chats"] if one.get("chat") == b64(chat)]
    assert int(info["unread"]) == 4, "the creation, two commits and the message"


# Strangers who wait for consent


def test_commits_of_a_stranger_come_before_the_one_message(people):
    alice, bob = people.pair()
    set_privacy(bob, askFirst=True)
    for epoch in range(7):
        send_commit(alice, bob, epoch)
    alice.send(bob, b"may I?")
    send_commit(alice, bob, 7)
    with refused("consent_needed"):
        send_commit(alice, bob, 8)
    with refused("consent_needed"):
        alice.send(bob, b"hello?")
    send_commit(bob, alice, 8)
    with refused("consent_needed"):
        alice.send(bob, b"a commit is no consent")
    bob.send(alice, b"welcome")
    send_commit(alice, bob, 9)


def test_refused_stranger_loses_the_message_although_commits_came_first(people):
    alice, bob = people.pair()
    set_privacy(bob, askFirst=True)
    send_commit(alice, bob, 0)
    alice.send(bob, b"may I?")
    bob.request(answerRequest={"peer": str(alice.device.user_id), "accept": False})
    assert b"may I?" not in [e.payload for e in bob.history(alice)[0]]


def test_bound_on_commits_of_a_stranger_survives_a_restart(daemons, crowd):
    daemon = daemons({"journal.checkpoint_interval_ms": 100}).start()
    alice, bob = crowd.pair(daemon)
    set_privacy(bob, askFirst=True)
    for epoch in range(8):
        send_commit(alice, bob, epoch)
    daemon.stop()
    daemon.start()
    alice = crowd.login(alice.device, daemon)
    with refused("consent_needed"):
        send_commit(alice, bob.device, 8)
    alice.send(bob.device, b"may I?")
    with refused("consent_needed"):
        alice.send(bob.device, b"hello?")


def test_commit_to_who_blocks_is_hidden(people):
    alice, bob = people.pair()
    bob.block(alice.device)
    send_commit(alice, bob, 0, b"commit")
    bob.block(alice.device, lift=True)
    alice.send(bob, b"after")
    assert [e.payload for e in bob.receive_until(b"after")] == [b"after"]
    assert [e.payload for e in bob.history(alice)[0]] == [b"after"]


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_epoch_of_a_direct_chat_survives_a_restart(daemons, crowd, how):
    daemon = daemons({"journal.checkpoint_interval_ms": 100} if how == "stop" else {}).start()
    alice, bob = crowd.pair(daemon)
    send_commit(alice, bob, 0, info=b"info", tree=b"tree")
    if how == "stop":
        daemon.stop()
        daemon.start()
    else:
        daemon.restart()
    alice = crowd.login(alice.device, daemon)
    info = group_info(alice, bob.device)
    assert (info.epoch, info.info, info.tree) == (1, b"info", b"tree")
    with refused("stale_epoch") as caught:
        send_commit(alice, bob.device, 0)
    assert caught[0].epoch == 1
