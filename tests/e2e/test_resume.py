"""A connection that resumes gets what follows its cursor: no more, no less."""

import pytest
from godwit_e2e.client import ServerError

pytestmark = pytest.mark.smoke


def test_hello_with_cursor_resumes_behind_it(people, shared):
    alice = people.new()
    bob = shared.register()
    alice.send_many(bob, [b"%d" % i for i in range(10)])
    with shared.login(bob, cursor=4) as client:
        assert client.welcome["cursor"] == "4"
        assert [e.seq for e in client.receive_all(6)] == [5, 6, 7, 8, 9, 10]
        assert client.wait_caught_up() == 10


def test_hello_without_cursor_resumes_at_the_last_acknowledgement(people, shared):
    alice = people.new()
    bob = shared.register()
    alice.send_many(bob, [b"%d" % i for i in range(5)])
    with shared.login(bob) as client:
        client.receive(5)
        client.ack(2)
    with shared.login(bob) as client:
        assert [e.seq for e in client.receive(3)] == [3, 4, 5]


def test_unacknowledged_entries_come_again_with_the_same_positions(people, shared):
    alice = people.new()
    bob = shared.register()
    alice.send_many(bob, [b"%d" % i for i in range(3)])
    with shared.login(bob) as client:
        first = client.receive(3)
    with shared.login(bob) as client:
        assert client.receive(3) == first


def test_hello_cursor_survives_kill(daemon, crowd):
    alice = crowd.new(daemon)
    bob = daemon.register()
    alice.send_many(bob, [b"%d" % i for i in range(6)])
    with daemon.login(bob) as client:
        client.receive(6)
        client.ack(3)
    daemon.restart()
    with daemon.login(bob, cursor=3) as client:
        assert [e.seq for e in client.receive(3)] == [4, 5, 6]


def test_hello_with_cursor_beyond_the_end_is_cursor_ahead(people, shared):
    bob = shared.register()
    client = people.connect()
    with pytest.raises(ServerError, match="cursor_ahead"):
        client.hello(bob, cursor=1)
    # The documented way out: the same connection, without a cursor.
    assert client.hello(bob)["userId"] == str(bob.user_id)
