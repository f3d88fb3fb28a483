"""Who may see a status is fixed when it is posted; who may not is told what is told of none."""

import pytest
from godwit_e2e.daemon import wait_until
from godwit_e2e.groups import add_contacts, ids, refused, set_privacy
from godwit_e2e.identity import message_id
from godwit_e2e.statuses import (
    befriend, can_open, feed, feed_ids, mute, named, news, own_ids, post, post_body, view, viewers_of,
    views_page, wait_news,
)  # fmt: skip

UNKNOWN_USER = 77


@pytest.fixture
def circle(folk):
    """An author and three others, all each other's contacts."""
    clients = [folk.new() for _ in range(4)]
    befriend(*clients)
    return clients


def who_sees(author, posted, others):
    """Which of the others see it: in the feed as well as by id."""
    seeing = [client for client in others if posted.id in feed_ids(client)]
    assert seeing == [client for client in others if can_open(client, author, posted.id)]
    assert posted.viewers == len(seeing)
    return seeing


def remove_contact(client, user):
    client.request(changeContacts={"remove": ids([user])})


# The audience


@pytest.mark.smoke
def test_contacts_see_it_and_others_do_not(circle, folk):
    alice, bob, carol, dave = circle
    stranger = folk.new()
    add_contacts(stranger, alice)
    assert who_sees(alice, post(alice), [bob, carol, dave, stranger]) == [bob, carol, dave]


def test_all_but_some(circle):
    alice, bob, carol, dave = circle
    posted = post(alice, audience="STATUS_EXCEPT", users=[bob, dave])
    assert who_sees(alice, posted, [bob, carol, dave]) == [carol]


def test_only_some(circle):
    alice, bob, carol, dave = circle
    posted = post(alice, audience="STATUS_ONLY", users=[bob, dave])
    assert who_sees(alice, posted, [bob, carol, dave]) == [bob, dave]


def test_only_those_among_the_contacts(circle, folk):
    alice, bob, carol, dave = circle
    stranger = folk.new()
    add_contacts(stranger, alice)
    posted = post(alice, audience="STATUS_ONLY", users=[bob, stranger, UNKNOWN_USER])
    assert who_sees(alice, posted, [bob, carol, dave, stranger]) == [bob]


def test_named_twice_counts_once(circle):
    alice, bob, *_ = circle
    assert post(alice, audience="STATUS_ONLY", users=[bob, bob, bob]).viewers == 1


def test_author_is_no_viewer(circle):
    alice, bob, *_ = circle
    add_contacts(bob, alice)
    assert post(alice, audience="STATUS_ONLY", users=[alice, bob]).viewers == 1


def test_as_set_goes_by_the_privacy_settings(circle):
    alice, bob, carol, dave = circle
    set_privacy(alice, status={"audience": "CONTACTS", "except": ids([bob])})
    assert who_sees(alice, post(alice), [bob, carol, dave]) == [carol, dave]


def test_as_set_with_everyone_means_contacts(circle, folk):
    alice, bob, carol, dave = circle
    stranger = folk.new()
    add_contacts(stranger, alice)
    set_privacy(alice, status={"audience": "EVERYONE"})
    assert who_sees(alice, post(alice), [bob, carol, dave, stranger]) == [bob, carol, dave]


def test_post_says_otherwise_than_the_settings(circle):
    alice, bob, carol, dave = circle
    set_privacy(alice, status={"audience": "NOBODY"})
    posted = post(alice, audience="STATUS_ONLY", users=[bob])
    assert who_sees(alice, posted, [bob, carol, dave]) == [bob]


def test_those_the_author_blocks_never_see_it(circle):
    alice, bob, carol, dave = circle
    alice.block(bob.device)
    assert who_sees(alice, post(alice), [bob, carol, dave]) == [carol, dave]
    posted = post(alice, audience="STATUS_ONLY", users=[bob, carol])
    assert who_sees(alice, posted, [bob, carol, dave]) == [carol]


@pytest.mark.parametrize(
    "case", ["no contacts", "nobody set", "all excepted", "only strangers", "only none", "blocked"]
)
def test_empty_audience_is_refused(folk, case):
    alice, bob = folk.pair()
    if case != "no contacts":
        befriend(alice, bob)
    options = {
        "all excepted": {"audience": "STATUS_EXCEPT", "users": [bob]},
        "only strangers": {"audience": "STATUS_ONLY", "users": [UNKNOWN_USER]},
        "only none": {"audience": "STATUS_ONLY"},
    }.get(case, {})
    if case == "nobody set":
        set_privacy(alice, status={"audience": "NOBODY"})
    if case == "blocked":
        alice.block(bob.device)
    with refused("audience_empty"):
        post(alice, **options)
    assert own_ids(alice) == [] and news(bob) == []


def test_too_many_users_are_refused(circle):
    alice, *_ = circle
    body = post_body(audience="STATUS_EXCEPT", users=range(1, 10_002))
    assert alice.error_of(postStatus=body).code == "too_large"
    assert post(alice, audience="STATUS_EXCEPT", users=range(1, 10_001)).viewers == 3


def test_bad_audience_is_refused(circle):
    alice, bob, *_ = circle
    assert alice.error_of(postStatus={**post_body(), "audience": 17}).code == "invalid_argument"


# It is fixed


def test_later_contacts_do_not_see_earlier_statuses(circle, folk):
    alice, bob, *_ = circle
    earlier = post(alice)
    eve = folk.new()
    befriend(alice, eve)
    assert feed(eve) == [] and not can_open(eve, alice, earlier.id)
    later = post(alice)
    assert feed_ids(eve) == [later.id]


def test_who_is_no_contact_any_more_keeps_earlier_statuses(circle):
    alice, bob, *_ = circle
    earlier = post(alice)
    remove_contact(alice, bob)
    later = post(alice)
    assert feed_ids(bob) == [earlier.id] and not can_open(bob, alice, later.id)


def test_later_settings_do_not_change_earlier_statuses(circle):
    alice, bob, *_ = circle
    earlier = post(alice)
    set_privacy(alice, status={"audience": "NOBODY"})
    assert feed_ids(bob) == [earlier.id] and can_open(bob, alice, earlier.id)


def test_same_id_with_another_audience_changes_nothing(circle):
    alice, bob, carol, _ = circle
    posted = post(alice, audience="STATUS_ONLY", users=[bob])
    assert post(alice, audience="STATUS_ONLY", users=[carol], id=posted.id) == posted
    assert feed(carol) == [] and feed_ids(bob) == [posted.id]


# Blocks


@pytest.mark.smoke
def test_block_by_the_author_takes_earlier_statuses_away(circle):
    alice, bob, carol, _ = circle
    posted = [post(alice).id for _ in range(2)]
    wait_news(bob, alice, posted[-1])
    alice.block(bob.device)
    wait_news(bob, alice, b"", removed=True)
    assert feed(bob) == [] and not any(can_open(bob, alice, id) for id in posted)
    assert len(feed(carol)) == 2


def test_block_by_the_viewer_hides_the_authors_statuses(circle):
    alice, bob, carol, _ = circle
    posted = post(alice)
    bob.block(alice.device)
    assert feed(bob) == [] and not can_open(bob, alice, posted.id)
    news(bob)
    post(alice)
    assert news(bob) == [] and feed(bob) == []
    assert len(feed(carol)) == 2


def test_author_does_not_notice_the_viewers_block(circle):
    alice, bob, *_ = circle
    before = post(alice).viewers
    bob.block(alice.device)
    assert post(alice).viewers == before


def test_lifted_block_of_the_author_lets_new_ones_through(circle):
    alice, bob, *_ = circle
    post(alice)
    alice.block(bob.device)
    alice.block(bob.device, lift=True)
    after = post(alice)
    assert feed_ids(bob) == [after.id]


def test_block_outlives_a_restart(daemon, crowd):
    alice, bob, carol = (crowd.new(daemon) for _ in range(3))
    befriend(alice, bob, carol)
    posted = post(alice)
    alice.block(bob.device)
    daemon.restart()
    bob, carol = crowd.login(bob.device, daemon), crowd.login(carol.device, daemon)
    # What follows from the block may not have been written before the kill, and is made up for at the start.
    wait_until(lambda: feed(bob) == [], what="bob's feed without alice")
    assert not can_open(bob, alice, posted.id)
    assert can_open(carol, alice, posted.id)


# What one may not see is not there


def answers(client, author, id):
    """The whole answers to all that can be asked of a status, as they come."""
    return [client.answer_to(**{name: named(author, id)}) for name in ("getStatus", "viewStatus")]


@pytest.mark.smoke
def test_all_that_cannot_be_seen_is_answered_alike(circle, folk):
    """Excepted, a stranger's, blocked either way, removed, never there: one frame for all."""
    alice, bob, carol, dave = circle
    nothing = answers(bob, alice, message_id())
    assert nothing[0]["error"]["code"] == nothing[1]["error"]["code"] == "status_not_found"
    stranger, blocker, blocked = (folk.new() for _ in range(3))
    befriend(stranger, carol)
    befriend(blocker, bob, carol)
    befriend(blocked, bob)
    cases = {
        "excepted": (alice, post(alice, audience="STATUS_EXCEPT", users=[bob]).id),
        "not among those": (alice, post(alice, audience="STATUS_ONLY", users=[carol]).id),
        "a stranger's": (stranger, post(stranger).id),
        "unknown author": (UNKNOWN_USER, message_id()),
    }
    blockers = post(blocker)
    blocker.block(bob.device)
    cases["blocked by the author"] = (blocker, blockers.id)
    cases["author is blocked"] = (blocked, post(blocked).id)
    bob.block(blocked.device)
    removed = post(carol)
    carol.request(removeStatus={"id": post_body(id=removed.id)["id"]})
    cases["removed"] = (carol, removed.id)
    for case, (author, id) in cases.items():
        assert answers(bob, author, id) == nothing, case


def test_view_of_what_cannot_be_seen_is_not_counted(circle):
    alice, bob, carol, _ = circle
    posted = post(alice, audience="STATUS_ONLY", users=[carol])
    with refused("status_not_found"):
        view(bob, alice, posted.id)
    assert views_page(alice, posted.id) == (0, [], False)


def test_views_are_told_to_the_author_alone(circle):
    alice, bob, carol, _ = circle
    posted = post(alice)
    view(bob, alice, posted.id)
    nothing = carol.error_of(listStatusViews={"id": post_body(id=message_id())["id"]})
    error = carol.error_of(listStatusViews={"id": post_body(id=posted.id)["id"]})
    assert nothing.code == "status_not_found" and str(error) == str(nothing)
    assert viewers_of(alice, posted.id) == [bob.device.user_id]


@pytest.mark.parametrize("request_name", ["getStatus", "viewStatus", "removeStatus", "listStatusViews"])
def test_malformed_ids_are_refused(circle, request_name):
    alice, bob, *_ = circle
    for id in ("", "AAAA", "A" * 44):
        body = {"id": id}
        if request_name in ("getStatus", "viewStatus"):
            body["author"] = str(alice.device.user_id)
        assert bob.error_of(**{request_name: body}).code in ("invalid_argument", "message_id_invalid")


# Accounts that go


def test_deleted_authors_statuses_go_everywhere(circle):
    alice, bob, carol, dave = circle
    posted = post(alice)
    wait_news(bob, alice, posted.id)
    alice.request(deleteAccount=alice.delete_body())
    body = bob.wait_push("statusNews", lambda body: body.get("removed", False))
    assert int(body["ref"]["author"]) == alice.device.user_id
    for viewer in (bob, carol, dave):
        assert feed(viewer) == [] and not can_open(viewer, alice, posted.id)


def test_deleted_authors_content_leaves_the_disk(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    befriend(alice, bob)
    content = message_id() * 3
    post(alice, content)
    daemon.compact()
    assert daemon.files_with(content)
    alice.request(deleteAccount=alice.delete_body())
    daemon.compact()
    assert daemon.files_with(content) == []
    daemon.restart()
    assert feed(crowd.login(bob.device, daemon)) == []


def test_deleted_viewer_disturbs_nobody(circle):
    alice, bob, carol, _ = circle
    posted = post(alice)
    view(bob, alice, posted.id)
    bob.request(deleteAccount=bob.delete_body())
    assert can_open(carol, alice, posted.id)
    view(carol, alice, posted.id)
    assert carol.device.user_id in viewers_of(alice, posted.id)
    post(alice)


def test_muting_hides_nothing_from_the_audience(circle):
    alice, bob, *_ = circle
    mute(bob, alice)
    posted = post(alice)
    assert posted.viewers == 3 and can_open(bob, alice, posted.id)
