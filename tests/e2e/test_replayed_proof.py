"""A proof is good for the connection whose nonce it signs, and for the request it was made for."""

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.identity import Device, b64, fresh_handle


def test_hello_recorded_on_one_connection_is_refused_on_another(people, shared):
    alice = shared.register()
    first, second = people.connect(), people.connect()
    recorded = first.hello_body(alice)
    first.request(hello=recorded)
    assert second.error_of(hello=recorded).code == "proof_invalid"
    second.hello(alice)


def test_nonces_differ(people):
    assert len({people.connect().nonce for _ in range(10)}) == 10
    assert all(len(people.connect().nonce) == 32 for _ in range(2))


def test_registration_recorded_on_one_connection_is_refused_on_another(people):
    device, handle = Device(), fresh_handle()
    first, second = people.connect(), people.connect()
    proof = device.sign("godwit/v1/register", first.nonce, device.public_key, handle.encode())
    body = {"handle": handle, "deviceKey": b64(device.public_key), "signature": b64(proof)}
    assert second.error_of(register=body).code == "proof_invalid"
    first.request(register=body)


def test_refresh_for_another_nonce_is_refused(people, shared):
    alice = shared.register()
    first, second = people.connect(), people.connect()
    second.nonce = first.nonce
    with pytest.raises(ServerError, match="proof_invalid"):
        second.refresh(alice)


def test_proof_of_one_request_does_not_pass_for_another(people, shared):
    alice = shared.register()
    client = people.connect()
    body = client.hello_body(alice)
    body["signature"] = b64(alice.sign("godwit/v1/refresh", client.nonce, alice.token.encode()))
    assert client.error_of(hello=body).code == "proof_invalid"


@pytest.mark.parametrize("size", [0, 63, 65])
def test_signature_of_another_length_is_refused(people, shared, size):
    client = people.connect()
    body = client.hello_body(shared.register())
    body["signature"] = b64(bytes(size))
    assert client.error_of(hello=body).code == "proof_invalid"


def test_key_of_small_order_is_refused(people):
    # With the neutral element as key, one signature would fit every input.
    client, handle = people.connect(), fresh_handle()
    neutral = b"\x01" + bytes(31)
    body = {"handle": handle, "deviceKey": b64(neutral), "signature": b64(neutral + bytes(32))}
    assert client.error_of(register=body).code == "proof_invalid"
