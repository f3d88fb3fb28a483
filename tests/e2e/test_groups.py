"""Groups: who is in them, what members may do, and one order of changes and messages for every device."""

import os

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.groups import (
    change_body, change_group, create, create_group, event_roles, event_users, get_group, group_page, leave,
    list_chats, payloads, refused,
)  # fmt: skip
from godwit_e2e.identity import b64, message_id, now_ms


def group_of(people, others=2, **options):
    """The owner, the others in the order given, and the group."""
    owner, *rest = [people.new() for _ in range(others + 1)]
    return owner, *rest, create_group(owner, *rest, **options)


@pytest.mark.smoke
def test_message_to_a_group_reaches_every_member(people):
    alice, bob, carol, chat = group_of(people, name=b"sailing")
    seq = alice.send(chat, b"ahoy")
    for member in (bob, carol):
        *_, envelope = member.receive_until(b"ahoy")
        assert (envelope.chat, envelope.chat_seq, envelope.sender) == (chat, seq, alice.device.user_id)
        assert envelope.to == 0
        assert payloads(member.history(chat)[0]) == [b"ahoy"]


# Creating


def test_created_group_is_as_asked(people):
    alice, bob = people.pair()
    made = create(alice, bob, name=b"\x00\xffopaque", settings={"may_post": "ADMIN", "ttl_s": 86400})
    group = get_group(bob, made.chat)
    assert len(made.chat) == 16 and made.chat_seq == 1
    assert (group.name, group.version) == (b"\x00\xffopaque", made.version)
    assert (group.member_count, group.chat_end) == (2, 1)
    assert (group.settings["mayPost"], group.settings["ttlS"]) == ("ADMIN", 86400)
    assert group.roles == {alice.device.user_id: "OWNER", bob.device.user_id: "MEMBER"}
    assert set(group.joined.values()) == {1}


def test_creation_is_told_to_the_members(people):
    alice, bob = people.pair()
    chat = create_group(alice, bob, name=b"sailing")
    told = bob.receive_event("created")
    assert (told.chat, told.chat_seq, told.sender, told.payload) == (chat, 1, alice.device.user_id, b"")
    assert event_roles(told) == {alice.device.user_id: "OWNER", bob.device.user_id: "MEMBER"}
    assert told.event["name"] == b64(b"sailing")


def test_same_creation_again_makes_no_second_group(people):
    alice, bob = people.pair()
    id = message_id()
    first = create(alice, bob, id=id)
    assert create(alice, bob, id=id) == first
    assert create(people.login(alice.device), bob, id=id) == first
    assert list(list_chats(bob)) == [first.chat]


def test_same_creation_after_kill_makes_no_second_group(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    id = message_id()
    first = create(alice, bob, id=id)
    daemon.restart()
    alice = crowd.login(alice.device, daemon)
    assert create(alice, bob, id=id) == first
    assert list(list_chats(alice)) == [first.chat]


def test_same_id_by_another_user_is_another_group(people):
    alice, bob = people.pair()
    id = message_id()
    assert create_group(alice, id=id) != create_group(bob, id=id)


def test_unknown_users_are_told_and_left_out(people):
    alice, bob = people.pair()
    gone = people.new()
    gone.request(deleteAccount=gone.delete_body())
    made = create(alice, bob, 77, gone.device)
    assert set(made.not_added) == {77, gone.device.user_id}
    assert get_group(alice, made.chat).member_count == 2
    assert change_group(alice, made.chat, add=[78, people.new()]).not_added == (78,)
    assert get_group(alice, made.chat).member_count == 3


def test_members_named_twice_are_in_it_once(people):
    alice, bob, carol = people.new(), people.new(), people.new()
    chat = create_group(alice, alice, bob, bob)
    change_group(alice, chat, add=[carol, carol])
    assert get_group(alice, chat).roles == {
        alice.device.user_id: "OWNER", bob.device.user_id: "MEMBER", carol.device.user_id: "MEMBER"
    }  # fmt: skip
    alice.send(chat, b"sentinel")
    assert [e.chat_seq for e in bob.receive_until(b"sentinel")] == [1, 2, 3]
    assert [e.chat_seq for e in carol.receive_until(b"sentinel")] == [2, 3]


# Coming in


def test_added_member_takes_part(people):
    alice, bob, _, chat = group_of(people)
    dave = people.new()
    changed = change_group(alice, chat, add=[dave])
    told = bob.receive_event("members")
    while dave.device.user_id not in event_roles(told):
        told = bob.receive_event("members")
    assert event_roles(told) == {dave.device.user_id: "MEMBER"}
    assert (told.chat_seq, int(told.event["version"])) == (changed.chat_seq, changed.version)
    dave.send(chat, b"thanks")
    assert bob.receive_until(b"thanks")[-1].sender == dave.device.user_id
    assert get_group(dave, chat).joined[dave.device.user_id] == changed.chat_seq


def test_newcomer_sees_nothing_from_before(people):
    alice, bob, _, chat = group_of(people)
    alice.send(chat, b"before")
    dave = people.new()
    joined = change_group(alice, chat, add=[dave]).chat_seq
    alice.send(chat, b"after")
    seen = dave.receive_until(b"after")
    assert payloads(seen) == [b"after"] and min(e.chat_seq for e in seen) == joined
    for range_ in ({}, {"after": "0"}, {"before": str(joined + 1)}):
        page, end, more = dave.history(chat, **range_)
        assert b"before" not in payloads(page) and min(e.chat_seq for e in page) == joined
        assert (end, more) == (joined + 1, False)
    assert dave.history(chat, before=str(joined))[0] == []
    (first,), _, more = dave.history(chat, after="0", limit=1)
    assert (first.chat_seq, more) == (joined, True), "pages forward begin where the newcomer came in"
    assert payloads(bob.history(chat)[0]) == [b"before", b"after"]


def test_rejoined_member_misses_what_came_between(people):
    alice, bob, _, chat = group_of(people)
    alice.send(chat, b"first")
    bob.receive_until(b"first")
    change_group(alice, chat, remove=[bob])
    alice.send(chat, b"between")
    joined = change_group(alice, chat, add=[bob]).chat_seq
    alice.send(chat, b"last")
    assert b"between" not in payloads(bob.receive_until(b"last"))
    page, _, more = bob.history(chat)
    assert payloads(page) == [b"last"] and page[0].chat_seq == joined and not more


def test_member_twice_is_already_member_and_nothing_changes(people):
    alice, bob, _, chat = group_of(people)
    dave = people.new()
    before = get_group(alice, chat)
    with refused("already_member"):
        change_group(alice, chat, add=[dave, bob])
    assert get_group(alice, chat) == before
    with refused("chat_not_found"):
        get_group(dave, chat)


def test_change_is_all_or_nothing(people):
    alice, bob, _, chat = group_of(people)
    dave, stranger = people.pair()
    before = get_group(alice, chat)
    with refused("member_not_found"):
        change_group(alice, chat, name=b"new", add=[dave], remove=[stranger])
    with refused("member_not_found"):
        change_group(alice, chat, roles={bob: "ADMIN", stranger: "ADMIN"})
    assert get_group(alice, chat) == before


def test_full_group_takes_nobody(daemons, crowd):
    daemon = daemons({"chat.max_members": 3}).start()
    alice, bob = crowd.pair(daemon)
    others = daemon.register_many(3)
    with refused("group_full"):
        create_group(alice, bob, *others)
    chat = create_group(alice, bob)
    with refused("group_full"):
        change_group(alice, chat, add=others[:2])
    assert get_group(alice, chat).member_count == 2, "all or nothing"
    change_group(alice, chat, add=others[:1])
    with refused("group_full"):
        change_group(alice, chat, add=others[1:2])
    change_group(alice, chat, remove=[bob])
    change_group(alice, chat, add=others[1:2])
    assert get_group(alice, chat).member_count == 3


def test_more_than_a_thousand_in_one_request_are_too_large(people):
    alice = people.new()
    chat = create_group(alice)
    too_many = range(1, 1002)
    with refused("too_large"):
        create_group(alice, *too_many)
    with refused("too_large"):
        change_group(alice, chat, add=too_many)
    with refused("too_large"):
        change_group(alice, chat, remove=too_many)
    assert len(create(alice, *too_many[:1000]).not_added) == 1000


# Going out


def test_removed_member_is_told_and_hears_no_more(people):
    alice, bob, carol, chat = group_of(people)
    changed = change_group(alice, chat, remove=[bob])
    assert event_users(bob.receive_event("removed"), "removed") == [bob.device.user_id]
    assert carol.receive_event("removed").chat_seq == changed.chat_seq
    alice.send(chat, b"without bob")
    alice.send(bob.device, b"sentinel")
    assert payloads(bob.receive_until(b"sentinel")) == [b"sentinel"]
    for action in (
        lambda: bob.send(chat, b"still here"),
        lambda: get_group(bob, chat),
        lambda: change_group(bob, chat, name=b"mine"),
        lambda: leave(bob, chat),
    ):
        with refused("chat_not_found"):
            action()
    # Whether the past stays readable or not: what came afterwards is not.
    try:
        assert b"without bob" not in payloads(bob.history(chat)[0])
    except ServerError as error:
        assert error.code == "chat_not_found"


def test_anyone_may_leave(people):
    alice, bob, carol, chat = group_of(people)
    leave(bob, chat)
    told = carol.receive_event("removed")
    assert event_users(told, "removed") == [bob.device.user_id] and told.sender == bob.device.user_id
    assert bob.device.user_id not in get_group(alice, chat).roles


def test_banned_member_is_out_until_unbanned(people):
    alice, bob, carol, chat = group_of(people)
    stranger = people.new()
    change_group(alice, chat, ban=[bob, stranger])
    told = carol.receive_event("banned")
    assert set(event_users(told, "banned")) == {bob.device.user_id, stranger.device.user_id}
    assert event_users(told, "removed") == [bob.device.user_id]
    group = get_group(alice, chat)
    assert set(group.banned) == {bob.device.user_id, stranger.device.user_id} and group.member_count == 2
    assert get_group(carol, chat).banned == (), "for admins only"
    try:
        assert bob.device.user_id in change_group(alice, chat, add=[bob]).not_added
    except ServerError as error:
        assert error.code == "not_allowed"
    assert bob.device.user_id not in get_group(alice, chat).roles
    change_group(alice, chat, unban=[bob])
    change_group(alice, chat, add=[bob])
    assert get_group(bob, chat).roles[bob.device.user_id] == "MEMBER"


def test_who_is_not_in_it_finds_no_chat(people):
    *_, chat = group_of(people)
    stranger = people.new()
    for action in (
        lambda: get_group(stranger, chat),
        lambda: stranger.send(chat, b"hello?"),
        lambda: stranger.history(chat),
        lambda: change_group(stranger, chat, name=b"mine"),
        lambda: change_group(stranger, chat, add=[stranger]),
        lambda: get_group(stranger, os.urandom(16)),
        lambda: stranger.send(os.urandom(16), b"hello?"),
    ):
        with refused("chat_not_found"):
            action()


# Roles


def test_owner_makes_and_unmakes_admins(people):
    alice, bob, carol, chat = group_of(people)
    change_group(alice, chat, roles={bob: "ADMIN"})
    told = carol.receive_until(lambda e: e.event and "created" not in e.event)[-1]
    assert event_roles(told) == {bob.device.user_id: "ADMIN"}
    change_group(bob, chat, name=b"by the admin", roles={carol: "ADMIN"})
    change_group(alice, chat, roles={bob: "MEMBER"})
    assert get_group(alice, chat).roles == {
        alice.device.user_id: "OWNER", bob.device.user_id: "MEMBER", carol.device.user_id: "ADMIN"
    }  # fmt: skip
    with refused("not_allowed"):
        change_group(bob, chat, name=b"once more")


def test_members_may_not_what_admins_may(people):
    alice, bob, carol, chat = group_of(people)
    before = get_group(bob, chat)
    for change in (
        {"name": b"mine"},
        {"settings": {"may_post": "OWNER"}},
        {"add": [people.new()]},
        {"remove": [carol]},
        {"ban": [carol]},
        {"unban": [carol]},
        {"roles": {bob: "ADMIN"}},
        {"roles": {bob: "OWNER"}},
        {"remove": [bob, carol]},
    ):
        with refused("not_allowed"):
            change_group(bob, chat, **change)
    assert get_group(bob, chat) == before


def test_admins_may_not_touch_the_owner(people):
    alice, bob, _, chat = group_of(people)
    change_group(alice, chat, roles={bob: "ADMIN"})
    for change in (
        {"remove": [alice]},
        {"ban": [alice]},
        {"roles": {alice: "MEMBER"}},
        {"roles": {bob: "OWNER"}},
    ):
        with refused("not_allowed"):
            change_group(bob, chat, **change)
    assert get_group(bob, chat).owner() == alice.device.user_id


def test_owner_hands_over_and_becomes_admin(people):
    alice, bob, carol, chat = group_of(people)
    change_group(alice, chat, roles={bob: "OWNER"})
    assert get_group(alice, chat).roles == {
        alice.device.user_id: "ADMIN", bob.device.user_id: "OWNER", carol.device.user_id: "MEMBER"
    }  # fmt: skip


def test_admin_of_longest_standing_follows_the_owner_who_leaves(people):
    alice, bob, carol, chat = group_of(people)
    dave = people.new()
    change_group(alice, chat, add=[dave])
    change_group(alice, chat, roles={dave: "ADMIN"})
    leave(alice, chat)
    told = bob.receive_event("removed")
    assert event_roles(told) == {dave.device.user_id: "OWNER"}, "the event tells who follows"
    assert get_group(bob, chat).owner() == dave.device.user_id


def test_member_of_longest_standing_follows_where_there_is_no_admin(people):
    alice, bob, carol = people.new(), people.new(), people.new()
    chat = create_group(alice)
    change_group(alice, chat, add=[bob])
    change_group(alice, chat, add=[carol])
    leave(alice, chat)
    assert get_group(carol, chat).roles == {bob.device.user_id: "OWNER", carol.device.user_id: "MEMBER"}
    change_group(bob, chat, name=b"mine now")


@pytest.mark.parametrize("change", ["leaves and hands over", "leaves and removes the admin", "two owners"])
@pytest.mark.parametrize("reverse", [False, True], ids=["in order of id", "against the order of id"])
def test_there_is_one_owner_whatever_is_combined(people, change, reverse):
    """What cannot be combined may be refused; what is done leaves one owner, and takes out who is removed."""
    users = sorted((people.new() for _ in range(4)), key=lambda user: user.device.user_id, reverse=reverse)
    alice, bob, carol, dave = users
    chat = create_group(*users)
    change_group(alice, chat, roles={bob: "ADMIN"})
    before = get_group(carol, chat)
    asked = {
        "leaves and hands over": {"remove": [alice], "roles": {carol: "OWNER"}},
        "leaves and removes the admin": {"remove": [alice, bob]},
        "two owners": {"roles": {bob: "OWNER", carol: "OWNER"}},
    }[change]
    try:
        change_group(alice, chat, **asked)
    except ServerError as error:
        assert error.code in ("invalid_argument", "not_allowed")
        assert get_group(carol, chat) == before
        return
    after = get_group(carol, chat)
    assert after.owner() != alice.device.user_id
    assert not {user.device.user_id for user in asked.get("remove", [])} & set(after.roles)
    assert after.member_count == len(after.roles) == 4 - len(asked.get("remove", []))


def test_removed_and_promoted_at_once_is_out_or_refused(people):
    alice, bob, _, chat = group_of(people)
    before = get_group(alice, chat)
    try:
        change_group(alice, chat, remove=[bob], roles={bob: "ADMIN"})
        assert bob.device.user_id not in get_group(alice, chat).roles
    except ServerError as error:
        assert error.code in ("invalid_argument", "member_not_found") and get_group(alice, chat) == before


def test_last_owner_leaves_and_the_group_is_gone(people):
    alice = people.new()
    chat = create_group(alice)
    leave(alice, chat)
    with refused("chat_not_found"):
        get_group(alice, chat)
    with refused("chat_not_found"):
        alice.send(chat, b"anyone?")


# Names and settings


def test_rename_is_told_and_kept(people):
    alice, bob, _, chat = group_of(people, name=b"old")
    change_group(alice, chat, name=b"n" * 1024)
    bob.receive_event("created")
    assert bob.receive_event("name").event["name"] == b64(b"n" * 1024)
    assert get_group(bob, chat).name == b"n" * 1024
    change_group(alice, chat, name=b"")
    assert get_group(bob, chat).name == b""


def test_name_beyond_its_limit_is_too_large(people):
    alice, _, chat = group_of(people, 1)
    with refused("too_large"):
        create_group(alice, name=b"n" * 1025)
    with refused("too_large"):
        change_group(alice, chat, name=b"n" * 1025)


@pytest.mark.parametrize("least", ["ADMIN", "OWNER"])
def test_may_post_decides_who_posts(people, least):
    alice, bob, carol, chat = group_of(people, settings={"may_post": least})
    change_group(alice, chat, roles={bob: "ADMIN"})
    alice.send(chat, b"by the owner")
    with refused("not_allowed"):
        carol.send(chat, b"by a member")
    if least == "ADMIN":
        bob.send(chat, b"by an admin")
    else:
        with refused("not_allowed"):
            bob.send(chat, b"by an admin")


def test_may_add_and_may_rename_open_the_group_to_members(people):
    alice, bob, _, chat = group_of(people)
    dave = people.new()
    change_group(alice, chat, settings={"may_add": "MEMBER", "may_rename": "MEMBER"})
    change_group(bob, chat, add=[dave], name=b"by bob")
    assert get_group(dave, chat).name == b"by bob"
    with refused("not_allowed"):
        change_group(bob, chat, settings={"may_post": "MEMBER"})
    change_group(alice, chat, settings={})
    with refused("not_allowed"):
        change_group(bob, chat, add=[people.new()])


def test_settings_are_told_to_members(people):
    alice, bob, _, chat = group_of(people)
    bob.receive_event("created")
    change_group(alice, chat, settings={"may_post": "ADMIN", "ttl_s": 60})
    settings = bob.receive_event("settings").event["settings"]
    assert (settings["mayPost"], settings["ttlS"]) == ("ADMIN", 60)


# Order, versions and repetitions


def test_every_device_sees_the_same_order(people, shared):
    alice, bob, carol, chat = group_of(people)
    change_group(alice, chat, roles={bob: "ADMIN"})
    devices = [bob, people.login(shared.link(bob)), carol, people.login(shared.link(carol))]
    start = get_group(alice, chat).chat_end
    open_requests = []
    for i in range(10):
        for client in (alice, *devices):
            open_requests.append((client, client.start(send=client.send_body(chat, b"%d" % i))))
        renamed = change_body(chat, name=b"%d" % i)
        open_requests.append((bob, bob.start(changeGroup=renamed)))
    for client, request in open_requests:
        client.result(request)
    last = alice.send(chat, b"last")
    seen = [[e for e in device.receive_until(b"last") if e.chat_seq > start] for device in devices]
    told = [[(e.chat_seq, e.id, e.payload, e.event) for e in envelopes] for envelopes in seen]
    assert [position for position, *_ in told[0]] == list(range(start + 1, last + 1))
    assert all(other == told[0] for other in told[1:])
    page, _, _ = carol.history(chat, after=str(start), limit=200)
    assert [(e.chat_seq, e.id, e.payload, e.event) for e in page] == told[0]


def test_version_grows_with_changes_only(people):
    alice, bob, _, chat = group_of(people)
    versions = [get_group(alice, chat).version]
    for change in (
        {"name": b"new"},
        {"settings": {"may_post": "ADMIN"}},
        {"add": [people.new()]},
        {"roles": {bob: "ADMIN"}},
        {"remove": [bob]},
        {"ban": [bob]},
    ):
        versions.append(change_group(alice, chat, **change).version)
        assert get_group(alice, chat).version == versions[-1]
    assert versions == sorted(set(versions))
    alice.send(chat, b"no change")
    assert get_group(alice, chat).version == versions[-1]


def test_if_version_lets_one_of_two_changes_through(people):
    alice, bob, carol, chat = group_of(people)
    change_group(alice, chat, roles={bob: "ADMIN"})
    version = get_group(alice, chat).version
    requests = [
        (client, client.start(changeGroup=change_body(chat, name=name, if_version=str(version))))
        for client, name in ((alice, b"by alice"), (bob, b"by bob"))
    ]
    codes = []
    for client, request in requests:
        try:
            client.result(request)
            codes.append("ok")
        except ServerError as error:
            codes.append(error.code)
    assert sorted(codes) == ["ok", "wrong_state"]
    assert get_group(alice, chat).version > version
    with refused("wrong_state"):
        change_group(alice, chat, name=b"late", if_version=str(version))


def test_same_change_again_is_answered_and_not_repeated(people):
    alice, bob, _, chat = group_of(people)
    dave = people.new()
    id, version = message_id(), get_group(alice, chat).version
    change = {"add": [dave], "name": b"new", "if_version": str(version)}
    first = change_group(alice, chat, id=id, **change)
    assert change_group(alice, chat, id=id, **change) == first
    again = people.login(alice.device)
    assert change_group(again, chat, id=id, **change) == first
    assert get_group(again, chat).chat_end == first.chat_seq


def test_message_again_is_stored_once(people):
    alice, bob, _, chat = group_of(people)
    id = message_id()
    first = alice.send(chat, b"once", id)
    assert alice.send(chat, b"once", id) == first
    with refused("message_id_reused"):
        alice.send(chat, b"another", id)
    alice.send(chat, b"sentinel")
    assert payloads(bob.receive_until(b"sentinel")) == [b"once", b"sentinel"]


def test_relates_to_is_visible(people):
    alice, bob, _, chat = group_of(people)
    id = message_id()
    alice.send(chat, b"question", id)
    bob.send(chat, b"answer", relatesTo=b64(id))
    assert alice.receive_until(b"answer")[-1].relates_to == id


# Paging and bad input


def test_members_come_in_pages_in_order_of_id(people, shared):
    alice = people.new()
    members = shared.register_many(11)
    chat = create_group(alice, *members)
    expected = sorted([alice.device.user_id, *(member.user_id for member in members)])
    seen, after, more = [], 0, True
    while more:
        page = group_page(alice, chat, after, 5)
        assert 0 < len(page["members"]) <= 5 and page["memberCount"] == 12
        seen += [int(member["userId"]) for member in page["members"]]
        after, more = seen[-1], page.get("more", False)
    assert seen == expected
    assert "members" not in group_page(alice, chat, 2**64 - 1)


@pytest.mark.parametrize(
    "id, code",
    [
        (b"", "message_id_invalid"),
        (b"short", "message_id_invalid"),
        (b"\x01" * 16, "message_id_invalid"),
        (message_id(now_ms() - 8 * 24 * 3600 * 1000), "message_id_expired"),
        (message_id(now_ms() + 3600 * 1000), "message_id_expired"),
    ],
    ids=["absent", "short", "no UUIDv7", "old", "of the future"],
)
def test_bad_ids_are_refused(people, id, code):
    alice = people.new()
    chat = create_group(alice)
    assert alice.error_of(createGroup={"id": b64(id)}).code == code
    assert alice.error_of(changeGroup={**change_body(chat, name=b"x"), "id": b64(id)}).code == code
    assert alice.error_of(send={**alice.send_body(chat, b"x"), "id": b64(id)}).code == code


@pytest.mark.parametrize("chat", [b"", b"short", b"x" * 17], ids=["absent", "short", "long"])
def test_bad_chats_are_invalid_arguments(people, chat):
    alice = people.new()
    with refused("invalid_argument"):
        get_group(alice, chat)
    with refused("invalid_argument"):
        change_group(alice, chat, name=b"x")


def test_message_to_a_user_and_a_group_at_once_is_refused(people):
    alice, bob, _, chat = group_of(people)
    both = {**alice.send_body(chat, b"x"), "to": str(bob.device.user_id)}
    assert alice.error_of(send=both).code == "invalid_argument"
    neither = {"id": b64(message_id()), "payload": b64(b"x")}
    assert alice.error_of(send=neither).code == "invalid_argument"


# Durability


@pytest.mark.parametrize("where", ["tail", "store", "after kill"])
def test_group_survives_a_restart(daemons, crowd, where):
    daemon = daemons({"journal.checkpoint_interval_ms": 100} if where == "store" else {}).start()
    alice, bob = crowd.pair(daemon)
    carol, dave = daemon.register_many(2)
    chat = create_group(alice, bob, carol, name=b"kept", settings={"may_post": "ADMIN"})
    change_group(alice, chat, roles={bob: "ADMIN"}, ban=[carol], add=[dave])
    bob.send(chat, b"kept too")
    before = get_group(alice, chat)
    if where == "after kill":
        daemon.restart()
    else:
        daemon.stop()
        daemon.start()
    alice, bob = crowd.login(alice.device, daemon), crowd.login(bob.device, daemon)
    assert get_group(alice, chat) == before
    assert payloads(alice.history(chat)[0]) == [b"kept too"]
    with refused("not_allowed"):
        crowd.login(dave, daemon).send(chat, b"x")
    assert bob.send(chat, b"on it goes") == before.chat_end + 1


@pytest.mark.parametrize("where", ["tail", "store", "after kill"])
def test_messages_of_all_sizes_reach_who_was_away(daemons, crowd, where):
    daemon = daemons({"journal.checkpoint_interval_ms": 100} if where == "store" else {}).start()
    alice = crowd.new(daemon)
    members = daemon.register_many(3)
    chat = create_group(alice, *members)
    sent = [os.urandom(size) for size in (1, 100, 1000, 5000, 20_000, alice.welcome["maxPayloadBytes"])]
    for payload in sent:
        alice.send(chat, payload)
    if where == "store":
        daemon.stop()
        daemon.start()
    if where == "after kill":
        daemon.restart()
    for member in members:
        client = crowd.login(member, daemon)
        assert payloads(client.receive_until(sent[-1])) == sent
        assert payloads(client.history(chat)[0]) == sent
