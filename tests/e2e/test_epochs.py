"""Epochs: of all who end an epoch the first wins, the others get stale_epoch with the present one."""

import random
import time

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.groups import change_group, create_group, get_group, refused
from godwit_e2e.identity import message_id
from godwit_e2e.websocket import Closed


def commit(client, chat, epoch, payload=b"commit", id=None):
    return client.send(chat, payload, id, endsEpoch=str(epoch))


def ended_epochs(client, chat):
    """(epoch, message id) of all commits in the log, in its order."""
    commits, position, more = [], 0, True
    while more:
        page, _, more = client.history(chat, after=str(position), limit=200)
        commits += [(e.ends_epoch, e.id) for e in page if e.ends_epoch is not None]
        position = page[-1].chat_seq
    return commits


@pytest.fixture
def group(people):
    alice, bob = people.pair()
    return alice, bob, create_group(alice, bob)


def test_commit_moves_the_group_to_the_next_epoch(group):
    alice, bob, chat = group
    epoch = get_group(alice, chat).epoch
    seq = commit(alice, chat, epoch)
    assert get_group(bob, chat).epoch == epoch + 1
    envelope = bob.receive_until(b"commit")[-1]
    assert (envelope.chat_seq, envelope.ends_epoch) == (seq, epoch)
    commit(bob, chat, epoch + 1)
    assert get_group(bob, chat).epoch == epoch + 2


def test_other_epochs_are_stale_and_told_the_present_one(group):
    alice, bob, chat = group
    epoch = get_group(alice, chat).epoch
    commit(alice, chat, epoch)
    for wrong in (epoch, epoch + 2, 2**64 - 1):
        with refused("stale_epoch") as caught:
            commit(bob, chat, wrong)
        assert caught[0].epoch == epoch + 1
    assert [ended for ended, _ in ended_epochs(bob, chat)] == [epoch]
    assert get_group(bob, chat).chat_end == 2, "a stale commit takes no position"


def test_messages_and_changes_leave_the_epoch(group, people):
    alice, bob, chat = group
    commit(alice, chat, get_group(alice, chat).epoch)
    epoch = get_group(alice, chat).epoch
    bob.send(chat, b"no commit")
    change_group(alice, chat, name=b"new", add=[people.new()])
    assert get_group(alice, chat).epoch == epoch
    assert alice.receive_until(b"no commit")[-1].ends_epoch is None


def test_winner_again_gets_the_same_answer(group, people):
    alice, bob, chat = group
    epoch, id = get_group(alice, chat).epoch, message_id()
    first = commit(alice, chat, epoch, id=id)
    assert commit(alice, chat, epoch, id=id) == first
    commit(bob, chat, epoch + 1)
    assert commit(people.login(alice.device), chat, epoch, id=id) == first
    assert get_group(bob, chat).epoch == epoch + 2


def test_loser_may_try_again_in_the_present_epoch_under_the_same_id(group):
    alice, bob, chat = group
    epoch, id = get_group(alice, chat).epoch, message_id()
    commit(alice, chat, epoch)
    with refused("stale_epoch"):
        commit(bob, chat, epoch, b"rebased", id)
    commit(bob, chat, epoch + 1, b"rebased", id)
    assert get_group(bob, chat).epoch == epoch + 2


def test_direct_chats_have_no_epochs(people):
    alice, bob = people.pair()
    with refused("invalid_argument"):
        commit(alice, bob, 0)


def test_strangers_cannot_commit(group, people):
    alice, _, chat = group
    epoch = get_group(alice, chat).epoch
    with refused("chat_not_found"):
        commit(people.new(), chat, epoch)
    assert get_group(alice, chat).epoch == epoch


def test_members_who_may_not_post_cannot_commit(group):
    alice, bob, chat = group
    change_group(alice, chat, settings={"may_post": "ADMIN"})
    epoch = get_group(alice, chat).epoch
    with refused("not_allowed"):
        commit(bob, chat, epoch)
    assert get_group(alice, chat).epoch == epoch


def test_of_a_hundred_committers_exactly_one_wins_each_epoch(people):
    clients = [people.new() for _ in range(10)]
    chat = create_group(*clients)
    first = get_group(clients[0], chat).epoch
    for epoch in range(first, first + 8):
        bodies = [
            (client, client.send_body(chat, b"%d" % i, endsEpoch=str(epoch)))
            for i, client in enumerate(clients * 10)
        ]
        requests = [(client, client.start(send=body)) for client, body in bodies]
        winners = 0
        for client, request in requests:
            try:
                client.result(request)
                winners += 1
            except ServerError as error:
                assert (error.code, error.epoch) == ("stale_epoch", epoch + 1)
        assert winners == 1
    assert [ended for ended, _ in ended_epochs(clients[0], chat)] == list(range(first, first + 8))
    assert get_group(clients[3], chat).epoch == first + 8


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_epoch_survives_a_restart(daemons, crowd, how):
    daemon = daemons({"journal.checkpoint_interval_ms": 100} if how == "stop" else {}).start()
    alice, bob = crowd.pair(daemon)
    chat = create_group(alice, bob)
    first, id = get_group(alice, chat).epoch, message_id()
    position = commit(alice, chat, first, id=id)
    commit(bob, chat, first + 1)
    if how == "stop":
        daemon.stop()
        daemon.start()
    else:
        daemon.restart()
    alice, bob = crowd.login(alice.device, daemon), crowd.login(bob.device, daemon)
    assert get_group(alice, chat).epoch == first + 2
    with refused("stale_epoch") as caught:
        commit(bob, chat, first + 1)
    assert caught[0].epoch == first + 2
    assert commit(alice, chat, first, id=id) == position
    commit(bob, chat, first + 2)


def test_committers_killed_in_the_middle_find_one_winner_an_epoch(daemon, crowd):
    """Twenty commits for each of ten epochs are on their way when the server dies; all are sent again."""
    clients = [crowd.new(daemon) for _ in range(4)]
    chat = create_group(*clients)
    first = get_group(clients[0], chat).epoch
    bodies = [
        (client, client.send_body(chat, b"x", endsEpoch=str(first + epoch)))
        for epoch in range(10)
        for client in clients * 5
    ]
    acknowledged = {}
    for client, body in bodies:
        client.start(send=body)
    time.sleep(random.uniform(0, 0.01))
    daemon.kill()
    for client in clients:
        try:
            while True:
                client.read_one()
        except Closed:
            pass
        mine = [body for owner, body in bodies if owner is client]
        # The requests of a connection are numbered in order; the commits are the last.
        offset = client.next_id - len(mine)
        for request, reply in client.replies.items():
            if "sent" in reply:
                acknowledged[mine[request - offset]["id"]] = reply["sent"]["chatSeq"]
    daemon.start()
    back = {client: crowd.login(client.device, daemon) for client in clients}
    again = [(back[client], back[client].start(send=body), body) for client, body in bodies]
    won = {}
    for client, request, body in again:
        try:
            won[body["id"]] = client.result(request)["chatSeq"]
        except ServerError as error:
            assert error.code == "stale_epoch"
    assert acknowledged.items() <= won.items(), "what was acknowledged has the same position"
    ended = [epoch for epoch, _ in ended_epochs(back[clients[0]], chat)]
    assert ended == list(range(first, first + 10)) and len(won) == 10
