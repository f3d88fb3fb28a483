"""The binary subprotocol carries the same messages as the text one."""

import base64

import pytest
from godwit_e2e.binary import BinaryClient, decode, field
from godwit_e2e.calls import place
from godwit_e2e.groups import add_contacts
from godwit_e2e.identity import message_id, now_ms
from godwit_e2e.presence import IDLE, set_presence, type_in
from godwit_e2e.statuses import post


@pytest.fixture
def binary(shared):
    client = BinaryClient(shared.client_port)
    yield client
    client.socket.close()


def test_binary_and_text_clients_talk(binary, people):
    alice = binary.register_and_hello()
    bob = people.new()
    id, payload = message_id(), bytes(range(256))
    body = field(1, id) + field(2, bob.device.user_id, fixed=True) + field(4, payload)
    assert decode(binary.request(3, body)[3])[1] == 1
    (envelope,) = bob.receive()
    assert (envelope.id, envelope.payload, envelope.sender) == (id, payload, alice.user_id)

    bob.send(alice, b"and back")
    deliver = binary.receive(lambda frame: 4 in frame)
    envelope = decode(decode(deliver[4])[1])
    assert (envelope[1], envelope[7], envelope[9]) == (1, 2, b"and back")
    assert int.from_bytes(envelope[3], "little") == bob.device.user_id
    binary.request(4, field(1, 1))
    bob.wait_watermark(alice, alice, delivered=2)


def test_sizes_stay_within_the_budget(binary, people):
    """A message of N bytes costs at most N + 48 bytes to the server and N + 56 to its recipient."""
    alice = binary.register_and_hello()
    bob = people.new()
    payload = bytes(200)
    body = field(1, message_id()) + field(2, bob.device.user_id, fixed=True) + field(4, payload)
    frame = field(1, 300) + field(3, body)
    assert len(frame) + 8 <= len(payload) + 48  # 8: WebSocket header with mask
    assert 3 in binary.request(3, body)
    bob.receive()
    binary.request(6, b"")  # a Ping, so that nothing else is on its way
    bob.send(alice, payload)
    before = binary.socket.bytes_read
    binary.receive(lambda frame: 4 in frame)
    assert binary.socket.bytes_read - before <= len(payload) + 56


def test_user_ids_of_64_bits_survive_the_text_protocol(people):
    alice, bob = people.pair()
    found = alice.request(lookupUser={"userId": str(bob.device.user_id)})
    assert found["userId"] == str(bob.device.user_id)
    alice.send_frame({"requestId": str(2**64 - 1), "ping": {}})
    assert "serverTimeMs" in alice.result(2**64 - 1)


def test_base64url_is_understood_on_input(people):
    alice, bob = people.pair()
    payload = bytes([0xFB, 0xFF, 0xFE])
    body = alice.send_body(bob.device, payload)
    body["payload"] = base64.urlsafe_b64encode(payload).decode()
    alice.request(send=body)
    assert bob.receive()[0].payload == payload


def of_user(value):
    return int.from_bytes(value, "little")


def test_presence_and_typing_are_pushed_in_binary(binary, people):
    alice, bob = binary.register_and_hello(), people.new()
    told = decode(decode(binary.request(65, field(1, bob.device.user_id, fixed=True))[64])[1])
    assert (of_user(told[1]), told[2]) == (bob.device.user_id, 3) and 3 not in told
    set_presence(bob, IDLE)
    pushed = decode(decode(binary.receive(lambda frame: 64 in frame and 1 not in frame)[64])[1])
    assert (of_user(pushed[1]), pushed[2]) == (bob.device.user_id, 2)
    bob.send(alice)
    type_in(bob, alice, "RECORDING")
    notice = decode(binary.receive(lambda frame: 65 in frame)[65])
    assert (of_user(notice[1]), notice[3], notice[4]) == (bob.device.user_id, 1, 5000) and 2 not in notice
    bob.close()
    gone = decode(decode(binary.receive(lambda frame: 64 in frame and 1 not in frame)[64])[1])
    assert gone[2] == 1 and abs(gone[3] - now_ms()) < 60_000


def test_calls_and_statuses_are_pushed_in_binary(binary, people):
    alice, bob = binary.register_and_hello(), people.new()
    call = place(bob, alice, bytes(range(256)), kind="VIDEO").id
    offer = decode(binary.receive(lambda frame: 89 in frame)[89])
    assert (offer[1], of_user(offer[2]), offer[3]) == (call, bob.device.user_id, bob.device.device_id)
    assert (offer[4], offer[5]) == (1, bytes(range(256))) and 0 < offer[6] <= 45_000
    binary.request(48, field(1, field(1, bob.device.user_id, fixed=True)))
    add_contacts(bob, alice)
    posted = post(bob)
    ref = decode(decode(binary.receive(lambda frame: 77 in frame)[77])[1])
    assert (of_user(ref[1]), ref[2], ref[3]) == (bob.device.user_id, posted.id, posted.posted_ms)
