"""The feed: unseen first, newest first, page by page while it changes, without those whom one has muted."""

import pytest
from godwit_e2e.identity import b64
from godwit_e2e.statuses import (
    befriend, feed, feed_ids, mute, news, open_status, own_ids, post, remove_status, status_page, unseen,
    view, wait_news,
)  # fmt: skip


@pytest.fixture
def friends(folk):
    """Alice and Bob, each other's contacts."""
    pair = folk.pair()
    befriend(*pair)
    return pair


# The feed


def test_feed_is_newest_first_of_all_authors(folk):
    alice, bob, carol = (folk.new() for _ in range(3))
    befriend(alice, bob, carol)
    ids = [post(author, b"%d" % number).id for number, author in enumerate((alice, bob, alice, bob))]
    listed = feed(carol)
    assert [ref.posted_ms for ref in listed] == sorted((ref.posted_ms for ref in listed), reverse=True)
    assert set(ref.id for ref in listed) == set(ids)


def test_unseen_come_first_each_newest_first(friends):
    alice, bob = friends
    ids = [post(alice).id for _ in range(6)]
    for id in (ids[1], ids[4]):
        view(bob, alice, id)
    listed = feed(bob)
    assert [ref.seen for ref in listed] == [False] * 4 + [True] * 2
    for seen in (False, True):
        times = [ref.posted_ms for ref in listed if ref.seen == seen]
        assert times == sorted(times, reverse=True)


def test_unseen_are_counted(friends):
    alice, bob = friends
    assert unseen(bob) == 0
    ids = [post(alice).id for _ in range(3)]
    assert unseen(bob) == 3
    view(bob, alice, ids[0])
    assert unseen(bob) == 2
    assert status_page(bob, limit=1)[2] == 2, "on all pages"


def test_feed_comes_in_pages(friends):
    alice, bob = friends
    ids = {post(alice).id for _ in range(60)}
    page, after, _ = status_page(bob)
    assert len(page) == 50 and after is not None
    assert set(feed_ids(bob, limit=7)) == set(feed_ids(bob)) == ids
    assert len(feed_ids(bob, limit=7)) == 60
    page, after, _ = status_page(bob, limit=60)
    assert len(page) == 60 and after is None


def test_pages_stay_right_while_statuses_arrive_and_are_seen(friends):
    alice, bob = friends
    ids = [post(alice).id for _ in range(20)]
    listed, after = [], None
    while True:
        page, after, _ = status_page(bob, after, limit=3)
        listed += [ref.id for ref in page]
        if after is None:
            break
        newer = post(alice).id
        wait_news(bob, alice, newer)
        view(bob, alice, page[0].id)
    counts = [listed.count(id) for id in ids]
    assert all(counts), "none of those that were there is missed"
    for id in ids:
        # One that was seen meanwhile has moved behind, and may come there once more.
        assert listed.count(id) <= 2
    assert set(feed_ids(bob, limit=4)) == set(own_ids(alice))


def test_pages_stay_right_while_statuses_go(friends):
    alice, bob = friends
    ids = [post(alice).id for _ in range(20)]
    page, after, _ = status_page(bob, limit=5)
    listed = [ref.id for ref in page]
    remove_status(alice, listed[-1])
    left = [id for id in ids if id not in listed]
    remove_status(alice, left[0])
    while after is not None:
        page, after, _ = status_page(bob, after, limit=5)
        listed += [ref.id for ref in page]
    assert sorted(listed) == sorted(set(ids) - {left[0]})


def test_larger_pages_are_cut(folk):
    *authors, viewer = (folk.new() for _ in range(4))
    befriend(viewer, *authors)
    ids = {post(author).id for author in authors for _ in range(70)}
    page, after, _ = status_page(viewer, limit=4_000_000_000)
    rest, end, _ = status_page(viewer, after)
    assert (len(page), len(rest), end) == (200, 10, None)
    assert {ref.id for ref in page + rest} == ids


def test_bad_positions_are_refused(friends):
    alice, bob = friends
    post(alice)
    for position in (b"x", bytes(7), bytes(1000)):
        error = bob.error_of(listStatuses={"after": b64(position)})
        assert error.code in ("invalid_argument", "too_large")
    assert len(feed(bob)) == 1


def test_feed_is_bounded_and_the_oldest_go(daemons, crowd):
    daemon = daemons({"status.max_feed": 10}).start()
    alice, bob = crowd.pair(daemon)
    befriend(alice, bob)
    ids = []
    for _ in range(15):
        ids.append(post(alice).id)
        wait_news(bob, alice, ids[-1])
    listed = feed_ids(bob)
    assert len(listed) <= 10 and set(listed) == set(ids[-len(listed) :]) and len(listed) >= 5
    assert own_ids(alice) == ids, "the author keeps them"


def test_author_who_is_no_contact_of_the_viewer_is_left_out(folk):
    alice, bob = folk.pair()
    befriend(alice, bob)
    posted = post(alice)
    wait_news(bob, alice, posted.id)
    bob.request(changeContacts={"remove": [str(alice.device.user_id)]})
    assert feed(bob) == [] and unseen(bob) == 0
    post(alice)
    assert news(bob) == []
    befriend(bob, alice)
    assert len(feed(bob)) == 2


# Muting


def test_muted_author_is_listed_only_when_asked_for(friends):
    alice, bob = friends
    assert mute(bob, alice) == {}
    posted = post(alice)
    assert feed(bob) == [] and news(bob) == []
    (ref,) = feed(bob, with_muted=True)
    assert ref.id == posted.id and ref.muted
    assert open_status(bob, alice, posted.id)[0] == b"status"


def test_lifted_mute_lets_statuses_through(friends):
    alice, bob = friends
    mute(bob, alice)
    first = post(alice)
    mute(bob, alice, lift=True)
    assert [(ref.id, ref.muted) for ref in feed(bob)] == [(first.id, False)]
    second = post(alice)
    wait_news(bob, alice, second.id)


def test_muting_is_not_told_and_counts_for_all_devices(friends, folk):
    alice, bob = friends
    mute(bob, alice)
    laptop = folk.login(folk.daemon.link(bob))
    assert post(alice).viewers == 1
    assert feed(laptop) == [] and news(laptop) == []


def test_muting_twice_and_lifting_twice_is_no_error(friends):
    alice, bob = friends
    for lift in (False, False, True, True):
        assert mute(bob, alice, lift) == {}


def test_nobody_cannot_be_muted(friends):
    assert friends[0].error_of(muteStatus={}).code == "invalid_argument"
