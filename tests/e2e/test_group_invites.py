"""Invite links: who holds one joins, within its time and its uses, or after an admin has agreed."""

import base64
import os
import time

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.groups import (
    answer_join, change_group, create_group, event_roles, get_group, join, join_requests, list_links,
    make_link, refused, revoke_link,
)  # fmt: skip
from godwit_e2e.identity import b64, b64url, b64url_decode, message_id, now_ms, unb64

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def group(people):
    """The owner, a member and the group."""
    alice, bob = people.pair()
    return alice, bob, create_group(alice, bob)


def test_link_is_as_documented(group):
    alice, _, chat = group
    link = make_link(alice, chat)
    prefix, version, secret = link["link"].split(":")
    assert (prefix, version, len(b64url_decode(secret))) == ("godwit-group", "1", 32)
    assert len(unb64(link["linkId"])) == 8 and "usesLeft" not in link and not link.get("approve", False)
    assert abs(int(link["expiresMs"]) - now_ms() - 7 * DAY_MS) < 60_000
    assert int(link["madeBy"]) == alice.device.user_id


def test_holder_of_a_link_joins(group, people):
    alice, bob, chat = group
    carol = people.new()
    joined = join(carol, make_link(alice, chat))
    assert joined.chat == chat
    told = bob.receive_until(lambda e: e.chat_seq == joined.chat_seq)[-1]
    assert event_roles(told) == {carol.device.user_id: "MEMBER"} and told.sender == carol.device.user_id
    assert get_group(carol, chat).joined[carol.device.user_id] == joined.chat_seq
    bob.send(chat, b"welcome")
    assert carol.receive_until(b"welcome")


def test_same_join_again_is_answered_and_another_is_already_member(group, people):
    alice, bob, chat = group
    link = make_link(alice, chat, max_uses=1)
    carol, id = people.new(), message_id()
    first = join(carol, link, id)
    assert join(carol, link, id) == first, "although the link is used up by now"
    with refused("already_member"):
        join(bob, make_link(alice, chat))
    assert get_group(alice, chat).member_count == 3


def test_expired_link_is_invalid(group, people):
    alice, _, chat = group
    link = make_link(alice, chat, expires_s=1)
    time.sleep(max(0.0, int(link["expiresMs"]) / 1000 - time.time()) + 0.05)
    with refused("invite_link_invalid"):
        join(people.new(), link)
    assert list_links(alice, chat) == []


def test_exhausted_link_is_invalid(group, people):
    alice, _, chat = group
    link = make_link(alice, chat, max_uses=2)
    assert link["usesLeft"] == 2
    join(people.new(), link)
    assert [listed["usesLeft"] for listed in list_links(alice, chat)] == [1]
    join(people.new(), link)
    with refused("invite_link_invalid"):
        join(people.new(), link)
    assert list_links(alice, chat) == []


def test_uses_are_not_exceeded_by_those_who_come_at_once(group, people):
    alice, _, chat = group
    link = make_link(alice, chat, max_uses=3)
    guests = [people.new() for _ in range(12)]
    requests = [
        (guest, guest.start(joinGroup={"id": b64(message_id()), "link": link["link"]})) for guest in guests
    ]
    codes = []
    for guest, request in requests:
        try:
            guest.result(request)
            codes.append("joined")
        except ServerError as error:
            codes.append(error.code)
    assert sorted(codes) == ["invite_link_invalid"] * 9 + ["joined"] * 3
    assert get_group(alice, chat).member_count == 5


def test_revoked_link_is_invalid(group, people):
    alice, bob, chat = group
    change_group(alice, chat, settings={"may_add": "MEMBER"})
    carol = people.new()
    change_group(alice, chat, add=[carol])
    link = make_link(bob, chat)
    with refused("not_allowed"):
        revoke_link(carol, chat, link)
    revoke_link(bob, chat, link)
    with refused("invite_link_invalid"):
        join(people.new(), link)
    with refused("invite_link_invalid"):
        revoke_link(bob, chat, link)
    another = make_link(bob, chat)
    revoke_link(alice, chat, another)  # admins may
    with refused("invite_link_invalid"):
        join(people.new(), another)


def forged_links(link):
    prefix, secret = "godwit-group:1:", b64url_decode(link.rsplit(":", 1)[1])
    return [
        "",
        "hello",
        prefix,
        prefix + b64url(os.urandom(32)),
        prefix + b64url(secret[:-1] + bytes([secret[-1] ^ 1])),
        prefix + b64url(bytes([secret[0] ^ 1]) + secret[1:]),
        prefix + b64url(secret[:-1]),
        prefix + b64url(secret + b"x"),
        prefix + base64.b16encode(secret).decode(),
        "godwit-group:2:" + b64url(secret),
        "godwit-link:1:" + b64url(secret),
        "x" * 5000,
    ]


def test_forged_link_is_invalid(group, people):
    alice, _, chat = group
    mallory = people.new()
    for forged in forged_links(make_link(alice, chat)["link"]):
        with refused("invite_link_invalid"):
            join(mallory, forged)
    assert get_group(alice, chat).member_count == 2


def test_approval_lets_in_whom_an_admin_accepts(group, people):
    alice, bob, chat = group
    link = make_link(alice, chat, approve=True)
    carol = people.new()
    asked = join(carol, link)
    assert (asked.chat, asked.chat_seq) == (chat, 0)
    with refused("chat_not_found"):
        get_group(carol, chat)
    assert join_requests(alice, chat) == [carol.device.user_id]
    with refused("not_allowed"):
        join_requests(bob, chat)
    with refused("not_allowed"):
        answer_join(bob, chat, carol, accept=True)

    answered = answer_join(alice, chat, carol, accept=True)
    told = carol.receive_until(lambda e: e.chat == chat)[-1]
    assert told.chat_seq == answered.chat_seq and event_roles(told) == {carol.device.user_id: "MEMBER"}
    assert get_group(carol, chat).joined[carol.device.user_id] == answered.chat_seq
    assert join_requests(alice, chat) == []


def test_approval_keeps_out_whom_an_admin_refuses(group, people):
    alice, _, chat = group
    link = make_link(alice, chat, approve=True)
    carol = people.new()
    join(carol, link)
    before = get_group(alice, chat)
    answer_join(alice, chat, carol, accept=False)
    assert join_requests(alice, chat) == []
    assert get_group(alice, chat).roles == before.roles
    with refused("chat_not_found"):
        get_group(carol, chat)


def test_who_asks_twice_is_listed_once(group, people):
    alice, _, chat = group
    link = make_link(alice, chat, approve=True)
    carol, dave = people.pair()
    for user in (carol, dave, carol):
        join(user, link)
    assert sorted(join_requests(alice, chat)) == sorted([carol.device.user_id, dave.device.user_id])


def test_banned_user_cannot_join(group, people):
    alice, bob, chat = group
    carol = people.new()
    change_group(alice, chat, ban=[bob, carol])
    for link in (make_link(alice, chat), make_link(alice, chat, approve=True)):
        for banned in (bob, carol):
            with refused("not_allowed"):
                join(banned, link)
    assert join_requests(alice, chat) == []
    change_group(alice, chat, unban=[bob])
    join(bob, make_link(alice, chat))


def test_who_asked_and_was_banned_since_is_not_let_in(group, people):
    alice, _, chat = group
    carol = people.new()
    join(carol, make_link(alice, chat, approve=True))
    change_group(alice, chat, ban=[carol])
    try:
        answer_join(alice, chat, carol, accept=True)
    except ServerError as error:
        assert error.code in ("not_allowed", "member_not_found")
    assert carol.device.user_id not in get_group(alice, chat).roles


def test_full_group_takes_nobody_by_link(daemons, crowd):
    daemon = daemons({"chat.max_members": 2}).start()
    alice, bob = crowd.pair(daemon)
    chat = create_group(alice, bob)
    with refused("group_full"):
        join(crowd.new(daemon), make_link(alice, chat))


def test_links_are_listed_to_admins_without_the_text_of_others(group, people):
    alice, bob, chat = group
    change_group(alice, chat, roles={bob: "ADMIN"})
    by_alice, by_bob = make_link(alice, chat, max_uses=5), make_link(bob, chat, approve=True)

    def listed(client):
        return {link["linkId"]: link for link in list_links(client, chat)}

    def without_text(link):
        return {name: value for name, value in link.items() if name != "link"}

    for client, other in ((alice, by_bob), (bob, by_alice)):
        links = listed(client)
        assert set(links) == {by_alice["linkId"], by_bob["linkId"]}
        assert links[other["linkId"]] == without_text(other)
        assert all(without_text(links[link["linkId"]]) == without_text(link) for link in (by_alice, by_bob))
    revoke_link(alice, chat, by_bob)
    assert list(listed(alice)) == [by_alice["linkId"]]
    change_group(alice, chat, roles={bob: "MEMBER"})
    with refused("not_allowed"):
        list_links(bob, chat)


def test_links_are_made_by_those_who_may_add(group, people):
    alice, bob, chat = group
    with refused("not_allowed"):
        make_link(bob, chat)
    with refused("chat_not_found"):
        make_link(people.new(), chat)
    change_group(alice, chat, settings={"may_add": "MEMBER"})
    join(people.new(), make_link(bob, chat))


def test_expiry_beyond_a_year_is_refused(group):
    alice, _, chat = group
    with refused("invalid_argument"):
        make_link(alice, chat, expires_s=2 * 366 * 24 * 3600)


def test_link_of_a_group_without_members_is_invalid(people):
    alice = people.new()
    chat = create_group(alice)
    link = make_link(alice, chat)
    change_group(alice, chat, remove=[alice])
    with refused("invite_link_invalid"):
        join(people.new(), link)


def test_links_and_requests_survive_kill(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    carol, dave = daemon.register_many(2)
    chat = create_group(alice)
    link, revoked = make_link(alice, chat, max_uses=2), make_link(alice, chat)
    approved = make_link(alice, chat, approve=True)
    join(bob, link)
    join(crowd.login(carol, daemon), approved)
    revoke_link(alice, chat, revoked)
    before = list_links(alice, chat)
    daemon.restart()
    alice = crowd.login(alice.device, daemon)
    assert list_links(alice, chat) == before and join_requests(alice, chat) == [carol.user_id]
    dave = crowd.login(dave, daemon)
    with refused("invite_link_invalid"):
        join(dave, revoked)
    join(dave, link)
    with refused("invite_link_invalid"):
        join(crowd.new(daemon), link)
    answer_join(alice, chat, carol, accept=True)
    assert get_group(alice, chat).member_count == 4
