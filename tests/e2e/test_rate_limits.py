"""Who exceeds a rate is answered rate_limited with the time to wait; others are not."""

import time

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.commits import commit_body, create_encrypted, send_commit
from godwit_e2e.groups import change_group, create_group, make_link, refused
from godwit_e2e.identity import b64, message_id


def limited_after(client, limit):
    """Pings until refused; returns how many were served, and the refusal."""
    for served in range(limit + 2):
        try:
            client.request(ping={})
        except ServerError as error:
            assert error.code == "rate_limited" and error.retryable
            return served, error
    raise AssertionError("there is no limit")


def test_device_is_limited_and_others_are_not(daemons, crowd):
    daemon = daemons({"limits.device_requests_per_s": 1, "limits.device_requests_burst": 20}).start()
    alice, bob = crowd.pair(daemon)
    served, error = limited_after(alice, 40)
    assert 20 <= served <= 25  # the bucket fills while it is emptied
    assert 0 < error.retry_after_ms <= 1000
    bob.request(ping={})
    time.sleep(error.retry_after_ms / 1000 + 0.05)
    alice.request(ping={})
    assert daemon.metric("godwit_errors_total", code="rate_limited") >= 1


def test_acks_are_not_counted(daemons, crowd):
    daemon = daemons({"limits.device_requests_per_s": 1, "limits.device_requests_burst": 10}).start()
    alice, bob = crowd.pair(daemon)
    alice.send(bob.device)
    bob.receive()
    for _ in range(50):
        bob.ack(1)


def test_devices_of_a_user_share_the_users_rate(daemons, crowd):
    daemon = daemons({"limits.user_requests_per_s": 1, "limits.user_requests_burst": 20}).start()
    alice, bob = crowd.pair(daemon)
    laptop = crowd.login(daemon.link(alice), daemon)
    limited_after(alice, 40)
    with pytest.raises(ServerError, match="rate_limited"):
        laptop.request(ping={})
        laptop.request(ping={})
    bob.request(ping={})


def test_connections_of_an_address_share_its_rate(daemons, crowd):
    daemon = daemons({"limits.address_requests_per_s": 1, "limits.address_requests_burst": 40}).start()
    clients = [crowd.connect(daemon) for _ in range(4)]
    with pytest.raises(ServerError, match="rate_limited"):
        for _ in range(200):
            for client in clients:
                client.request(ping={})


def test_registrations_of_an_address_are_limited(daemons, crowd):
    daemon = daemons({"limits.address_registrations_per_hour": 3, "server.workers": 1}).start()
    for _ in range(3):
        daemon.register()
    with pytest.raises(ServerError) as refused:
        daemon.register()
    assert refused.value.code == "rate_limited"
    assert 600_000 < refused.value.retry_after_ms <= 1_200_000 + 3600


def test_a_thousand_refusals_in_a_row_close_with_4102(daemons, crowd):
    daemon = daemons({"limits.device_requests_per_s": 1, "limits.device_requests_burst": 1}).start()
    client = crowd.new(daemon)
    for _ in range(1100):
        client.notice(ping={})
    assert client.wait_closed().code == 4102


def test_too_many_open_requests_are_refused(daemons, crowd):
    daemon = daemons({"session.max_open_requests": 4}).start()
    alice, bob = crowd.pair(daemon)
    assert alice.welcome["maxOpenRequests"] == 4
    requests = [alice.start(send=alice.send_body(bob.device, b"%d" % i)) for i in range(200)]
    codes, served = set(), 0
    for request in requests:
        try:
            alice.result(request)
            served += 1
        except ServerError as error:
            codes.add(error.code)
    assert codes == {"too_many_requests_open"} and served >= 4
    alice.send(bob.device, b"afterwards")


def posts_until_refused(client, chat, limit):
    """Posts until refused; returns how many were accepted, and the refusal."""
    for accepted in range(limit + 1):
        try:
            client.send(chat, b"spam")
        except ServerError as error:
            assert error.code == "rate_limited" and error.retryable and error.retry_after_ms > 0
            return accepted, error
    raise AssertionError("there is no limit")


def test_sender_in_a_group_is_limited_and_others_are_not(daemons, crowd):
    daemon = daemons({"chat.group_sender_messages_per_s": 2}).start()
    alice, bob = crowd.pair(daemon)
    chat, another = create_group(alice, bob), create_group(alice, bob)
    accepted, error = posts_until_refused(alice, chat, 40)
    assert accepted >= 2
    bob.send(chat, b"by another")
    alice.send(another, b"elsewhere")
    alice.send(bob, b"directly")
    change_group(alice, chat, name=b"changes are not counted")
    time.sleep(error.retry_after_ms / 1000 + 0.05)
    alice.send(chat, b"later")


def test_group_is_limited_as_a_whole_and_others_are_not(daemons, crowd):
    daemon = daemons({"chat.group_messages_per_s": 2}).start()
    alice, bob = crowd.pair(daemon)
    chat, another = create_group(alice, bob), create_group(alice, bob)
    posts_until_refused(alice, chat, 40)
    with refused("rate_limited"):
        bob.send(chat, b"x")
    bob.send(another, b"elsewhere")


def test_who_comes_by_a_link_in_vain_does_not_use_up_the_groups_rate(daemons, crowd):
    daemon = daemons({"chat.group_messages_per_s": 1}).start()
    alice, mallory = crowd.pair(daemon)
    chat = create_encrypted(alice)
    link = make_link(alice, chat)["link"]
    for _ in range(8):
        commit = commit_body(0, b"commit", joins=[(mallory.device.user_id, 99)])
        with refused("device_list_stale"):
            mallory.request(joinGroup={"id": b64(message_id()), "link": link, "commit": commit})
    send_commit(alice, chat, 0)


def test_large_requests_are_charged_by_their_size(daemons, crowd):
    daemon = daemons({"limits.device_requests_per_s": 1, "limits.device_requests_burst": 60}).start()
    alice, bob = crowd.pair(daemon)
    body = alice.send_body(bob, b"x", commit=commit_body(0, info=bytes(1 << 20)))
    with refused("too_large"):
        alice.request(send={**body, "payload": b64(bytes((1 << 20) + 1))})
    with refused("rate_limited") as caught:
        alice.request(send=body)
    assert caught[0].retry_after_ms > 0
    alice.send(bob, b"small")


def test_pages_of_the_key_log_are_charged_by_their_length(daemons, crowd):
    daemon = daemons({"limits.device_requests_per_s": 1, "limits.device_requests_burst": 20}).start()
    client = crowd.new(daemon)
    client.request(listKeyLog={"limit": 1000})
    with refused("rate_limited"):
        client.request(listKeyLog={"limit": 1000})
    client.request(listKeyLog={})
