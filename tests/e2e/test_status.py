"""Statuses: posted once, listed and opened, removed from everywhere; they outlive any restart."""

import os

import pytest
from godwit_e2e.groups import add_contacts, refused
from godwit_e2e.identity import b64, message_id, now_ms
from godwit_e2e.statuses import (
    Ref, befriend, can_open, feed, feed_ids, mute, named, news, open_status, own_ids, own_statuses, post,
    post_body, remove_status, unseen, view, viewers_of, views_page, wait_news,
)  # fmt: skip

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def friends(folk):
    """Alice and Bob, each other's contacts."""
    pair = folk.pair()
    befriend(*pair)
    return pair


# Posting


@pytest.mark.smoke
def test_contact_sees_the_status_in_the_feed_and_opens_it(friends):
    alice, bob = friends
    posted = post(alice, b"on holiday")
    assert posted.viewers == 1
    ref = Ref(alice.device.user_id, posted.id, posted.posted_ms, posted.expires_ms)
    assert wait_news(bob, alice, posted.id) == ref
    assert feed(bob) == [ref]
    assert open_status(bob, alice, posted.id) == (b"on holiday", alice.device.device_id, ref)


def test_status_is_seen_for_a_day(friends):
    alice, _ = friends
    before = now_ms()
    posted = post(alice)
    assert posted.expires_ms - posted.posted_ms == DAY_MS
    assert before - 5_000 <= posted.posted_ms <= now_ms() + 5_000


def test_own_devices_are_told(friends, folk):
    alice, _ = friends
    laptop = folk.login(folk.daemon.link(alice))
    posted = post(alice)
    assert wait_news(laptop, alice, posted.id).posted_ms == posted.posted_ms
    assert own_ids(laptop) == [posted.id]


def test_all_devices_of_a_viewer_are_told(friends, folk):
    alice, bob = friends
    laptop = folk.login(folk.daemon.link(bob))
    posted = post(alice)
    for device in (bob, laptop):
        wait_news(device, alice, posted.id)
        assert feed_ids(device) == [posted.id]


def test_author_opens_the_own_status(friends):
    alice, _ = friends
    posted = post(alice, b"mine")
    assert open_status(alice, alice, posted.id)[0] == b"mine"
    assert feed(alice) == [], "the feed is of others"


def test_from_which_device_is_told(friends, folk):
    alice, bob = friends
    laptop = folk.login(folk.daemon.link(alice))
    posted = post(laptop)
    assert open_status(bob, alice, posted.id)[1] == laptop.device.device_id


def test_own_statuses_are_listed_oldest_first(friends):
    alice, _ = friends
    posted = [post(alice, b"%d" % number) for number in range(5)]
    assert own_statuses(alice) == [(one, 0) for one in posted]


def test_viewer_who_was_away_finds_it(friends, folk):
    alice, bob = friends
    bob.close()
    posted = post(alice, b"while you were out")
    back = folk.login(bob.device)
    assert feed_ids(back) == [posted.id]
    assert open_status(back, alice, posted.id)[0] == b"while you were out"


@pytest.mark.parametrize("size", [1, 16384])
def test_any_size_within_the_bounds_is_taken(friends, size):
    alice, bob = friends
    content = os.urandom(size)
    assert open_status(bob, alice, post(alice, content).id)[0] == content


def test_empty_and_oversized_statuses_are_refused(friends):
    alice, bob = friends
    with refused("invalid_argument"):
        post(alice, b"")
    with refused("too_large"):
        post(alice, bytes(16385))
    assert feed(bob) == [] and own_ids(alice) == []


@pytest.mark.parametrize("id", [b"", b"short", bytes(16), b"\x01\x98" + bytes(14)], ids=lambda id: id.hex())
def test_bad_ids_are_refused(friends, id):
    alice, _ = friends
    body = {**post_body(), "id": b64(id)}
    assert alice.error_of(postStatus=body).code == "message_id_invalid"
    assert own_ids(alice) == []


@pytest.mark.parametrize("days", [-30, 30])
def test_ids_of_another_time_are_refused(friends, days):
    alice, _ = friends
    with refused("message_id_expired"):
        post(alice, id=message_id(now_ms() + days * DAY_MS))


def test_statuses_need_hello(folk):
    stranger = folk.connect()
    for body in ("postStatus", "listStatuses", "getStatus", "viewStatus", "removeStatus", "muteStatus",
                 "listStatusViews", "listOwnStatuses"):
        assert stranger.error_of(**{body: {}}).code == "wrong_state"


# The same again


@pytest.mark.smoke
def test_same_id_again_posts_nothing(friends):
    alice, bob = friends
    id = message_id()
    first = post(alice, b"once", id=id)
    wait_news(bob, alice, id)
    assert post(alice, b"once", id=id) == first
    assert own_ids(alice) == feed_ids(bob) == [id]
    assert news(bob) == [], "nor is it told again"


def test_same_id_at_once_posts_once(friends):
    alice, bob = friends
    body = post_body(b"once")
    requests = [alice.start(postStatus=body) for _ in range(20)]
    replies = [alice.result(request) for request in requests]
    assert replies == [replies[0]] * 20
    assert len(own_ids(alice)) == len(feed_ids(bob)) == 1


@pytest.mark.parametrize("where", ["tail", "store"])
def test_same_id_after_a_restart_posts_nothing(daemon, crowd, where):
    alice, bob = crowd.pair(daemon)
    befriend(alice, bob)
    first = post(alice, b"once")
    if where == "store":
        daemon.checkpoint()
    daemon.restart()
    alice, bob = crowd.login(alice.device, daemon), crowd.login(bob.device, daemon)
    assert post(alice, b"once", id=first.id) == first
    assert feed_ids(bob) == own_ids(alice) == [first.id]


def test_same_id_of_two_authors_names_two_statuses(folk):
    alice, bob, carol = (folk.new() for _ in range(3))
    befriend(alice, bob, carol)
    id = message_id()
    post(alice, b"of Alice", id=id)
    post(bob, b"of Bob", id=id)
    assert open_status(carol, alice, id)[0] == b"of Alice"
    assert open_status(carol, bob, id)[0] == b"of Bob"


# Removing


@pytest.mark.smoke
def test_removed_status_goes_from_all_feeds(folk):
    alice, bob, carol = (folk.new() for _ in range(3))
    befriend(alice, bob, carol)
    kept, removed = post(alice), post(alice)
    assert remove_status(alice, removed.id) == {}
    for viewer in (bob, carol):
        wait_news(viewer, alice, removed.id, removed=True)
        assert feed_ids(viewer) == [kept.id]
        assert not can_open(viewer, alice, removed.id)
    assert own_ids(alice) == [kept.id]
    assert not can_open(alice, alice, removed.id)


def test_removal_is_told_to_ones_own_devices(friends, folk):
    alice, _ = friends
    laptop = folk.login(folk.daemon.link(alice))
    posted = post(alice)
    remove_status(alice, posted.id)
    wait_news(laptop, alice, posted.id, removed=True)


def test_only_ones_own_can_be_removed(friends):
    alice, bob = friends
    posted = post(alice)
    with refused("status_not_found"):
        remove_status(bob, posted.id)
    with refused("status_not_found"):
        remove_status(alice, message_id())
    assert can_open(bob, alice, posted.id)


def test_removing_again_is_status_not_found(friends):
    alice, _ = friends
    posted = post(alice)
    remove_status(alice, posted.id)
    with refused("status_not_found"):
        remove_status(alice, posted.id)


@pytest.mark.parametrize("size", [48, 12_000])
def test_removed_content_leaves_the_disk(daemon, crowd, size):
    alice, bob = crowd.pair(daemon)
    befriend(alice, bob)
    kept, removed = os.urandom(size), os.urandom(size)
    post(alice, kept)
    posted = post(alice, removed)
    daemon.compact()
    for content in (kept, removed):
        assert daemon.files_with(content[:48]), "the search would find it"
    remove_status(alice, posted.id)
    daemon.compact()
    assert daemon.files_with(removed[:48]) == []
    assert daemon.files_with(kept[:48])


# Bounds


def test_posts_of_a_day_are_limited(daemons, crowd):
    daemon = daemons({"status.posts_per_day": 3}).start()
    alice, bob = crowd.pair(daemon)
    befriend(alice, bob)
    posted = [post(alice) for _ in range(3)]
    with refused("rate_limited") as caught:
        post(alice)
    assert caught[0].retryable and caught[0].retry_after_ms > 0
    assert post(alice, id=posted[0].id) == posted[0], "a repetition is not counted"
    assert len(feed(bob)) == 3
    post(bob)


def test_removal_gives_no_post_of_the_day_back(daemons, crowd):
    daemon = daemons({"status.posts_per_day": 2}).start()
    alice, bob = crowd.pair(daemon)
    befriend(alice, bob)
    for _ in range(2):
        remove_status(alice, post(alice).id)
    with refused("rate_limited"):
        post(alice)


def test_live_posts_are_bounded(daemons, crowd):
    daemon = daemons({"status.max_live_posts": 3}).start()
    alice, bob = crowd.pair(daemon)
    befriend(alice, bob)
    first = post(alice)
    for _ in range(2):
        post(alice)
    error = alice.error_of(postStatus=post_body())
    assert error.code in ("rate_limited", "too_large")
    remove_status(alice, first.id)
    post(alice)
    assert len(own_ids(alice)) == len(feed(bob)) == 3


# Restarts


@pytest.mark.smoke
@pytest.mark.parametrize("how", ["stop", "kill", "checkpoint and kill"])
def test_everything_outlives_a_restart(daemon, crowd, how):
    alice, bob, carol = (crowd.new(daemon) for _ in range(3))
    befriend(alice, bob, carol)
    seen, unopened, removed = (post(alice, b"%d" % number) for number in range(3))
    muted = post(carol, b"muted")
    view(bob, alice, seen.id)
    remove_status(alice, removed.id)
    mute(bob, carol)
    views = views_page(alice, seen.id)
    before = feed(bob, with_muted=True)
    assert [one.id for one in before] in ([muted.id, unopened.id, seen.id], [unopened.id, muted.id, seen.id])
    if how == "stop":
        daemon.stop()
        daemon.start()
    else:
        if how == "checkpoint and kill":
            daemon.checkpoint()
        daemon.restart()
    alice, bob, carol = (crowd.login(client.device, daemon) for client in (alice, bob, carol))
    assert feed(bob, with_muted=True) == before
    assert feed_ids(bob) == [unopened.id, seen.id] and unseen(bob) == 1
    assert views_page(alice, seen.id) == views and viewers_of(alice, seen.id) == [bob.device.user_id]
    assert own_statuses(alice) == [(seen, 1), (unopened, 0)]
    assert open_status(bob, alice, seen.id)[0] == b"0"
    assert not can_open(bob, alice, removed.id)
    post(carol)
    assert news(bob) == [], "the mute holds"


def test_acknowledged_posts_survive_kill_under_way(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    befriend(alice, bob)
    bodies = [post_body(b"%d" % number) for number in range(50)]
    requests = [alice.start(postStatus=body) for body in bodies]
    acknowledged = [alice.result(request) for request in requests[:20]]
    daemon.restart()
    alice, bob = crowd.login(alice.device, daemon), crowd.login(bob.device, daemon)
    assert len(acknowledged) == 20 and len(feed(bob)) == len(own_ids(alice)) >= 20
    for body in bodies[20:]:
        alice.request(postStatus=body)
    assert len(feed(bob)) == len(own_ids(alice)) == 50


def test_many_viewers_all_get_it(daemon, crowd):
    alice = crowd.new(daemon)
    devices = daemon.register_many(300)
    online = [crowd.login(device, daemon) for device in devices[:20]]
    for client in online:
        add_contacts(client, alice)
    add_contacts(alice, *devices)
    posted = post(alice, b"to all")
    assert posted.viewers == 300
    for client in online:
        wait_news(client, alice, posted.id)
    daemon.restart()
    for device in devices:
        with daemon.login(device) as client:
            add_contacts(client, alice)
            assert feed_ids(client) == [posted.id]
            client.request(viewStatus=named(alice, posted.id))
    alice = crowd.login(alice.device, daemon)
    count, first, more = views_page(alice, posted.id)
    assert (count, len(first), more) == (300, 200, True)
    count, rest, more = views_page(alice, posted.id, after=str(first[-1][0]))
    assert (count, more) == (300, False)
    assert [user for user, _ in first + rest] == sorted(device.user_id for device in devices)
