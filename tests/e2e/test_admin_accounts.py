"""The operator looks an account up, signs a device out and deletes an account, for people who have no device at hand."""

import json

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.groups import create_group, event_users, get_group


def ask(daemon, what, **body):
    status, answer, _ = daemon.http(f"/v1/accounts/{what}", method="POST", body=body)
    return status, json.loads(answer)


def test_account_is_found_by_handle_and_by_id(people, shared):
    alice = people.new()
    shared.link(alice)
    status, account = ask(shared, "find", handle=alice.device.handle.upper())
    assert status == 200
    assert account["user_id"] == str(alice.device.user_id) and account["handle"] == alice.device.handle
    assert [(d["device_id"], d["online"]) for d in account["devices"]] == [(1, True), (2, False)]
    assert ask(shared, "find", user_id=account["user_id"]) == (200, account)


@pytest.mark.parametrize("what", ["find", "sign-out", "delete"])
def test_unknown_account_and_wrong_request_are_refused(shared, what):
    assert ask(shared, what, handle="nobody-of-this-name", device_id=1)[0] == 404
    assert ask(shared, what, user_id="7", device_id=1)[0] == 404
    for body in ({}, {"user_id": 7}, {"user_id": "x"}, {"handle": "!"}, {"handle": 7}, {"handle": "ann", "user_id": "7"}):
        status, answer = ask(shared, what, **body)
        assert status == 400 and answer["error"]


def test_stolen_device_is_signed_out(people, shared):
    alice = people.new()
    laptop = people.login(shared.link(alice))
    assert ask(shared, "sign-out", handle=alice.device.handle, device_id=2) == (200, {"signed_out": True})
    assert laptop.wait_closed().code == 4202
    assert [d["deviceId"] for d in alice.devices()] == [1]
    assert ask(shared, "sign-out", handle=alice.device.handle, device_id=2)[0] == 404
    status, answer = ask(shared, "sign-out", handle=alice.device.handle, device_id=1)
    assert status == 403 and "last device" in answer["error"]
    for device in (None, 0, -1, "1", 1.5, 2**32 + 1):
        assert ask(shared, "sign-out", handle=alice.device.handle, device_id=device)[0] == 400


def test_deleted_account_leaves_its_groups_and_is_gone(people, shared):
    alice, bob, carol = people.new(), people.new(), people.new()
    chats = [create_group(alice, bob, carol) for _ in range(3)]
    assert ask(shared, "delete", handle=alice.device.handle) == (200, {"deleted": True})
    assert alice.wait_closed().code == 4203
    told = [bob.receive_event("removed") for _ in chats]
    assert sorted(event.chat for event in told) == sorted(chats)
    assert all(event_users(event, "removed") == [alice.device.user_id] for event in told)
    assert get_group(bob, chats[0]).member_count == 2
    assert ask(shared, "find", user_id=str(alice.device.user_id))[0] == 404
    assert ask(shared, "delete", user_id=str(alice.device.user_id))[0] == 404
    with pytest.raises(ServerError, match="handle_taken"):
        people.connect().register(alice.device.handle)


def test_account_that_is_not_connected_is_deleted_after_a_restart(daemon, crowd):
    alice, bob = crowd.pair(daemon)
    chat = create_group(alice, bob)
    daemon.restart()
    assert ask(daemon, "delete", user_id=str(alice.device.user_id)) == (200, {"deleted": True})
    daemon.restart()
    bob = crowd.login(bob.device, daemon)
    assert list(get_group(bob, chat).roles) == [bob.device.user_id]
    with pytest.raises(ServerError, match="user_not_found"):
        crowd.connect(daemon).hello(alice.device)
