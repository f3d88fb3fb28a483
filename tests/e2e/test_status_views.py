"""Who has seen a status is told to its author, once each, unless one of both tells nobody what they read."""

import time

import pytest
from godwit_e2e.groups import refused, set_privacy
from godwit_e2e.identity import now_ms
from godwit_e2e.statuses import (
    befriend, feed, named, own_statuses, post, view, viewers_of, views_page, wait_view_count,
)  # fmt: skip


@pytest.fixture
def circle(folk):
    """An author and three viewers."""
    clients = [folk.new() for _ in range(4)]
    befriend(*clients)
    return clients


def count_pushes(client, seconds=0.3):
    time.sleep(seconds)
    return client.take_pushes("statusViewCount")


@pytest.mark.smoke
def test_author_is_told_how_many_and_who(circle):
    alice, bob, carol, _ = circle
    posted = post(alice)
    before = now_ms()
    assert view(bob, alice, posted.id) == {}
    wait_view_count(alice, posted.id, 1)
    view(carol, alice, posted.id)
    wait_view_count(alice, posted.id, 2)
    count, views, more = views_page(alice, posted.id)
    assert (count, more) == (2, False)
    assert [user for user, _ in views] == sorted(c.device.user_id for c in (bob, carol))
    assert all(before - 5_000 <= when <= now_ms() + 5_000 for _, when in views)
    assert own_statuses(alice) == [(posted, 2)]


def test_nobody_has_seen_it_at_first(circle):
    alice, *_ = circle
    posted = post(alice)
    assert views_page(alice, posted.id) == (0, [], False)
    assert own_statuses(alice) == [(posted, 0)]


def test_seen_again_nothing_happens(circle, folk):
    alice, bob, *_ = circle
    laptop = folk.login(folk.daemon.link(bob))
    posted = post(alice)
    view(bob, alice, posted.id)
    wait_view_count(alice, posted.id, 1)
    first = views_page(alice, posted.id)
    time.sleep(0.01)
    for client in (bob, laptop, bob):
        assert view(client, alice, posted.id) == {}
    assert views_page(alice, posted.id) == first
    assert count_pushes(alice) == []


def test_seen_again_writes_nothing(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    befriend(alice, bob)
    posted = post(alice)
    view(bob, alice, posted.id)
    before = daemon.metric("godwit_journal_records_total")
    for _ in range(20):
        view(bob, alice, posted.id)
    assert daemon.metric("godwit_journal_records_total") == before


def test_opening_is_not_seeing(circle):
    alice, bob, *_ = circle
    posted = post(alice)
    bob.request(getStatus=named(alice, posted.id))
    assert views_page(alice, posted.id)[0] == 0 and not feed(bob)[0].seen


def test_seen_is_seen_on_all_devices(circle, folk):
    alice, bob, *_ = circle
    laptop = folk.login(folk.daemon.link(bob))
    posted = post(alice)
    view(bob, alice, posted.id)
    assert [ref.seen for ref in feed(laptop)] == [True]


def test_view_as_a_notice_is_not_answered(circle):
    alice, bob, *_ = circle
    posted = post(alice)
    bob.notice(viewStatus=named(alice, posted.id))
    wait_view_count(alice, posted.id, 1)
    assert bob.take_pushes("error") == []


def test_authors_devices_are_all_told(circle, folk):
    alice, bob, *_ = circle
    laptop = folk.login(folk.daemon.link(alice))
    posted = post(alice)
    view(bob, alice, posted.id)
    for device in (alice, laptop):
        wait_view_count(device, posted.id, 1)


def test_counts_of_several_statuses_are_told_apart(circle):
    alice, bob, carol, _ = circle
    one, two = post(alice), post(alice)
    view(bob, alice, one.id)
    view(bob, alice, two.id)
    view(carol, alice, two.id)
    wait_view_count(alice, one.id, 1)
    wait_view_count(alice, two.id, 2)
    assert [views for _, views in own_statuses(alice)] == [1, 2]


def test_own_view_is_not_counted(circle):
    alice, *_ = circle
    posted = post(alice)
    alice.answer_to(viewStatus=named(alice, posted.id))
    assert views_page(alice, posted.id)[0] == 0


def test_viewers_come_in_pages_in_order_of_id(circle):
    alice, *viewers = circle
    posted = post(alice)
    for viewer in viewers:
        view(viewer, alice, posted.id)
    users = sorted(viewer.device.user_id for viewer in viewers)
    count, page, more = views_page(alice, posted.id, limit=2)
    assert (count, [user for user, _ in page], more) == (3, users[:2], True)
    count, page, more = views_page(alice, posted.id, after=str(users[1]), limit=2)
    assert (count, [user for user, _ in page], more) == (3, users[2:], False)


def test_pages_join_what_is_stored_and_what_is_not_yet(daemon, crowd):
    alice, *viewers = (crowd.new(daemon) for _ in range(7))
    befriend(alice, *viewers)
    posted = post(alice)
    for viewer in viewers[:3]:
        view(viewer, alice, posted.id)
    daemon.checkpoint()
    for viewer in viewers[3:]:
        view(viewer, alice, posted.id)
    users, after = [], 0
    while True:
        count, page, more = views_page(alice, posted.id, after=str(after), limit=2)
        assert count == 6
        users += [user for user, _ in page]
        if not more:
            break
        after = users[-1]
    assert users == sorted(viewer.device.user_id for viewer in viewers)


def test_counts_are_coalesced(daemons, crowd):
    daemon = daemons({"status.view_interval_ms": 2000}).start()
    alice, *viewers = (crowd.new(daemon) for _ in range(11))
    befriend(alice, *viewers)
    posted = post(alice)
    began = time.monotonic()
    for viewer in viewers:
        view(viewer, alice, posted.id)
    told = [alice.wait_push("statusViewCount")]
    while told[-1]["count"] < 10:
        told.append(alice.wait_push("statusViewCount"))
    assert len(told) <= (time.monotonic() - began) / 2 + 2
    counts = [push["count"] for push in told]
    assert counts == sorted(counts)


# Read receipts


@pytest.mark.smoke
def test_viewer_who_tells_nobody_is_not_told_of(circle):
    alice, bob, carol, _ = circle
    set_privacy(bob, hideReadReceipts=True)
    posted = post(alice)
    view(bob, alice, posted.id)
    assert [ref.seen for ref in feed(bob)] == [True]
    view(carol, alice, posted.id)
    wait_view_count(alice, posted.id, 1)
    assert viewers_of(alice, posted.id) == [carol.device.user_id]


def test_hidden_view_is_not_told_later_either(circle):
    alice, bob, *_ = circle
    set_privacy(bob, hideReadReceipts=True)
    posted = post(alice)
    view(bob, alice, posted.id)
    set_privacy(bob, hideReadReceipts=False)
    view(bob, alice, posted.id)
    assert views_page(alice, posted.id) == (0, [], False)
    assert count_pushes(alice) == []


def test_author_who_tells_nobody_is_not_told(circle):
    alice, bob, *_ = circle
    posted = post(alice)
    view(bob, alice, posted.id)
    wait_view_count(alice, posted.id, 1)
    set_privacy(alice, hideReadReceipts=True)
    assert views_page(alice, posted.id) == (0, [], False)
    assert own_statuses(alice) == [(posted, 0)]
    other = post(alice)
    view(bob, alice, other.id)
    assert count_pushes(alice) == []


def test_author_who_tells_again_is_told_again(circle):
    alice, bob, *_ = circle
    posted = post(alice)
    view(bob, alice, posted.id)
    set_privacy(alice, hideReadReceipts=True)
    set_privacy(alice, hideReadReceipts=False)
    assert viewers_of(alice, posted.id) == [bob.device.user_id]
    assert own_statuses(alice) == [(posted, 1)]


@pytest.mark.parametrize("where", ["tail", "store"])
def test_views_survive_kill(daemon, crowd, where):
    alice, bob, carol = (crowd.new(daemon) for _ in range(3))
    befriend(alice, bob, carol)
    set_privacy(carol, hideReadReceipts=True)
    posted = post(alice)
    view(bob, alice, posted.id)
    view(carol, alice, posted.id)
    told = views_page(alice, posted.id)
    if where == "store":
        daemon.checkpoint()
    daemon.restart()
    alice, bob, carol = (crowd.login(client.device, daemon) for client in (alice, bob, carol))
    assert views_page(alice, posted.id) == told and told[0] == 1
    assert feed(bob)[0].seen and feed(carol)[0].seen
    view(bob, alice, posted.id)
    assert views_page(alice, posted.id) == told


def test_removed_status_has_no_views(circle):
    alice, bob, *_ = circle
    posted = post(alice)
    view(bob, alice, posted.id)
    alice.request(removeStatus={"id": named(alice, posted.id)["id"]})
    with refused("status_not_found"):
        views_page(alice, posted.id)
    with refused("status_not_found"):
        view(bob, alice, posted.id)
