"""Registration: open takes anyone with a free, valid handle and a proof; closed takes nobody."""

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.identity import Device, b64, fresh_handle


def refusal(client, handle, **more):
    with pytest.raises(ServerError) as refused:
        client.register(handle, **more)
    return refused.value.code


def test_challenge_tells_the_mode(people):
    assert people.connect().challenge["registration"] == "OPEN"


def test_taken_handle(people):
    alice = people.new()
    assert refusal(people.connect(), alice.device.handle) == "handle_taken"
    assert refusal(people.connect(), alice.device.handle.upper()) == "handle_taken"


def test_handle_taken_twice_at_once_goes_to_one(people):
    handle = fresh_handle()
    clients, devices = [people.connect() for _ in range(8)], [Device() for _ in range(8)]
    requests = []
    for client, device in zip(clients, devices, strict=True):
        proof = device.sign("godwit/v1/register", client.nonce, device.public_key, handle.encode())
        body = {"handle": handle, "deviceKey": b64(device.public_key), "signature": b64(proof)}
        requests.append(client.start(register=body))
    outcomes = []
    for client, request in zip(clients, requests, strict=True):
        try:
            client.result(request)
            outcomes.append("registered")
        except ServerError as error:
            outcomes.append(error.code)
    assert sorted(outcomes) == ["handle_taken"] * 7 + ["registered"]


@pytest.mark.parametrize(
    "handle",
    ["", "ab", "-abc", ".abc", "a" * 33, "a b", "a/b", "ümlaut", "+123456", "+0123456789", "+1" + "0" * 15],
)
def test_invalid_handle(people, handle):
    client = people.connect()
    device = Device()
    proof = device.sign("godwit/v1/register", client.nonce, device.public_key, handle.encode())
    body = {"handle": handle, "deviceKey": b64(device.public_key), "signature": b64(proof)}
    assert client.error_of(register=body).code == "handle_invalid"


def test_number_as_handle(people):
    number = "+49" + "".join(str(byte % 10) for byte in fresh_handle().encode()[:10])
    people.connect().register(number)


def test_bad_proof_and_key(people):
    client, device, handle = people.connect(), Device(), fresh_handle()
    proof = device.sign("godwit/v1/register", client.nonce, device.public_key, b"another-handle")
    body = {"handle": handle, "deviceKey": b64(device.public_key), "signature": b64(proof)}
    assert client.error_of(register=body).code == "proof_invalid"
    assert client.error_of(register={**body, "deviceKey": b64(bytes(31))}).code == "invalid_argument"
    client.register(handle)  # a refusal does not take the handle


def test_device_name_is_bounded_and_listed(people):
    client = people.connect()
    assert refusal(client, None, deviceName="n" * 65) == "too_large"
    device = client.register(deviceName="n" * 64)
    client.hello(device)
    assert client.devices()[0]["name"] == "n" * 64


def test_closed_takes_nobody(daemons, crowd):
    daemon = daemons({"account.registration": "closed"}).start()
    client = crowd.connect(daemon)
    assert client.challenge["registration"] == "CLOSED"
    assert refusal(client, None) == "registration_closed"


def test_codes_are_for_verified_registration_alone(people):
    assert people.connect().error_of(requestCode={"handle": fresh_handle()}).code == "not_allowed"


def test_registration_survives_kill(daemon, crowd):
    alice = daemon.register()
    daemon.restart()
    assert refusal(crowd.connect(daemon), alice.handle) == "handle_taken"
    crowd.login(alice, daemon)
