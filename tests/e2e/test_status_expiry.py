"""Statuses end after their time: for whoever asks at once, on the disk with the next compaction."""

import os
import time

import pytest
from godwit_e2e.daemon import wait_until
from godwit_e2e.groups import refused
from godwit_e2e.identity import message_id
from godwit_e2e.statuses import (
    befriend, can_open, feed, feed_ids, named, open_status, own_ids, post, post_body, status_page, unseen,
    view, views_page,
)  # fmt: skip

HOUR_S = 3600
BRIEF = {"status.ttl_s": 2}


def friends(crowd, daemon):
    pair = crowd.pair(daemon)
    befriend(*pair)
    return pair


@pytest.fixture
def brief(daemons, crowd):
    """A daemon whose statuses last two seconds, and two friends on it."""
    daemon = daemons(BRIEF).start()
    return (daemon, *friends(crowd, daemon))


def wait_gone(viewer):
    wait_until(lambda: feed(viewer) == [], what="the end of the status")


@pytest.mark.smoke
def test_expired_between_feed_and_open(brief):
    _, alice, bob = brief
    posted = post(alice)
    assert posted.expires_ms - posted.posted_ms == 2000
    assert feed_ids(bob) == [posted.id]
    wait_until(lambda: not can_open(bob, alice, posted.id), what="the end of the status")


def test_expired_status_is_nowhere(brief):
    _, alice, bob = brief
    posted = post(alice)
    view(bob, alice, posted.id)
    wait_gone(bob)
    assert unseen(bob) == 0 and own_ids(alice) == []
    assert not can_open(bob, alice, posted.id) and not can_open(alice, alice, posted.id)
    for request in ("removeStatus", "listStatusViews"):
        assert alice.error_of(**{request: {"id": named(alice, posted.id)["id"]}}).code == "status_not_found"
    with refused("status_not_found"):
        view(bob, alice, posted.id)


def test_expired_is_answered_as_never_there(brief):
    _, alice, bob = brief
    posted = post(alice)
    wait_gone(bob)
    for client in (alice, bob):
        for name in ("getStatus", "viewStatus"):
            told = [client.answer_to(**{name: named(alice, id)}) for id in (posted.id, message_id())]
            assert told[0] == told[1]
            assert client is alice or told[0]["error"]["code"] == "status_not_found"


def test_later_ones_stay(brief):
    _, alice, bob = brief
    first = post(alice)
    time.sleep(1.2)
    second = post(alice)
    wait_until(lambda: first.id not in feed_ids(bob), what="the end of the first")
    assert feed_ids(bob) in ([second.id], []), "the later one is over later"


def test_pages_stay_right_across_the_end_of_some(brief):
    _, alice, bob = brief
    early = [post(alice).id for _ in range(5)]
    time.sleep(1.0)
    late = [post(alice).id for _ in range(5)]
    page, after, _ = status_page(bob, limit=4)
    assert {ref.id for ref in page} <= set(late)
    wait_until(lambda: not can_open(bob, alice, early[-1]), what="the end of the first five")
    while after is not None:
        page, after, _ = status_page(bob, after, limit=4)
        assert not {ref.id for ref in page} & set(early)


def test_expired_posts_make_room(daemons, crowd):
    daemon = daemons({**BRIEF, "status.max_live_posts": 1}).start()
    alice, bob = friends(crowd, daemon)
    post(alice)
    wait_gone(bob)
    assert feed_ids(bob) == [] and post(alice).viewers == 1


def test_expired_status_is_not_posted_again(daemons, crowd):
    daemon = daemons({**BRIEF, "chat.max_clock_skew_s": 1}).start()
    alice, bob = friends(crowd, daemon)
    posted = post(alice)
    wait_gone(bob)
    told = alice.answer_to(postStatus=post_body(id=posted.id))
    assert "statusPosted" in told or told["error"]["code"] == "message_id_expired"
    assert feed(bob) == [] == own_ids(alice)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_time_runs_on_while_the_server_is_down(daemons, crowd, how):
    daemon = daemons({**BRIEF, "journal.checkpoint_interval_ms": 100}).start()
    alice, bob = friends(crowd, daemon)
    posted = post(alice)
    daemon.stop() if how == "stop" else daemon.kill()
    time.sleep(2.1)
    daemon.start()
    alice, bob = crowd.login(alice.device, daemon), crowd.login(bob.device, daemon)
    assert feed(bob) == [] == own_ids(alice)
    assert not can_open(bob, alice, posted.id)


@pytest.mark.parametrize("size", [48, 12_000])
def test_expired_content_leaves_the_disk(daemons, crowd, size):
    daemon = daemons({"status.ttl_s": 4}).start()
    alice, bob = friends(crowd, daemon)
    content = os.urandom(size)
    posted = post(alice, content)
    daemon.checkpoint()
    assert daemon.files_with(content[:48]), "the search would find it"
    wait_gone(bob)

    def left_the_disk():
        daemon.compact()
        return daemon.files_with(content[:48]) == []

    wait_until(left_the_disk, what="the content's end on the disk")
    assert not can_open(bob, alice, posted.id)


def test_compaction_keeps_what_has_not_expired(daemon, crowd):
    alice, bob = friends(crowd, daemon)
    content = os.urandom(48)
    posted = post(alice, content)
    view(bob, alice, posted.id)
    daemon.compact()
    daemon.restart()
    daemon.compact()
    alice, bob = crowd.login(alice.device, daemon), crowd.login(bob.device, daemon)
    assert open_status(bob, alice, posted.id)[0] == content
    assert views_page(alice, posted.id)[0] == 1 and feed(bob)[0].seen


# The clock jumps


def test_clock_that_jumps_across_the_end_ends_it(daemon_with_clock, clock, crowd):
    alice, bob = friends(crowd, daemon_with_clock)
    posted = post(alice)
    clock.jump_seen_by(bob, 25 * HOUR_S)
    assert feed(bob) == [] == own_ids(alice) and unseen(bob) == 0
    assert not can_open(bob, alice, posted.id)
    with refused("status_not_found"):
        view(bob, alice, posted.id)


def test_clock_that_jumps_less_leaves_it(daemon_with_clock, clock, crowd):
    alice, bob = friends(crowd, daemon_with_clock)
    posted = post(alice)
    for hours in (23, -23, 0):
        clock.jump_seen_by(bob, hours * HOUR_S)
        assert feed_ids(bob) == [posted.id] and can_open(bob, alice, posted.id)


def test_clock_that_jumps_there_and_back_loses_no_status(daemon_with_clock, clock, crowd):
    daemon = daemon_with_clock
    alice, bob = friends(crowd, daemon)
    posted = post(alice, b"still here")
    view(bob, alice, posted.id)
    clock.jump_seen_by(bob, 25 * HOUR_S)
    assert feed(bob) == []
    daemon.compact()
    clock.jump_seen_by(bob, 0)
    assert open_status(bob, alice, posted.id)[0] == b"still here"
    assert [ref.seen for ref in feed(bob)] == [True] and views_page(alice, posted.id)[0] == 1


def test_statuses_posted_while_the_clock_is_wrong_end_in_time(daemon_with_clock, clock, crowd):
    alice, bob = friends(crowd, daemon_with_clock)
    clock.jump_seen_by(alice, -25 * HOUR_S)
    told_ms = int(alice.request(ping={})["serverTimeMs"])
    posted = post(alice, id=message_id(told_ms))
    assert feed_ids(bob) == [posted.id]
    clock.jump_seen_by(alice, 0)
    assert feed(bob) == [], "by the clock as it is now it is 25 hours old"
    later = post(alice)
    assert feed_ids(bob) == [later.id]
