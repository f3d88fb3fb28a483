"""Requests that do not fit the state of the connection are answered wrong_state."""

import pytest
from godwit_e2e.identity import Device, fresh_handle

pytestmark = pytest.mark.smoke

AFTER_HELLO = ["send", "ack", "read", "history", "ackGap", "linkApprove", "listDevices", "revokeDevice",
               "deleteAccount", "lookupUser", "block"]  # fmt: skip


@pytest.mark.parametrize("request_name", AFTER_HELLO)
def test_before_hello(people, request_name):
    client = people.connect()
    assert client.error_of(**{request_name: {}}).code == "wrong_state"
    client.request(ping={})


def test_second_hello(people):
    client = people.new()
    assert client.error_of(hello=client.hello_body(client.device)).code == "wrong_state"
    client.request(listDevices={})


@pytest.mark.parametrize("request_name", ["register", "requestCode", "linkBegin"])
def test_openings_after_hello(people, request_name):
    client = people.new()
    assert client.error_of(
        **{request_name: {"handle": fresh_handle()} if request_name != "linkBegin" else {}}
    ).code == ("wrong_state")


def test_too_many_close_with_4200(people):
    client = people.connect()
    for _ in range(64):
        client.start(listDevices={})
    assert client.wait_closed().code == 4200


def test_hello_follows_register_on_the_same_connection(people):
    client = people.connect()
    device = client.register(device=Device())
    assert client.hello(device)["userId"] == str(device.user_id)
