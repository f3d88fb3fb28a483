"""An invite from the operator lets in as many as it says, for as long as it says."""

import json
import time

import pytest
from godwit_e2e.client import ServerError
from godwit_e2e.identity import Device


@pytest.fixture
def inviting(daemons):
    return daemons({"account.registration": "invite"}).start()


def make_invite(daemon, **body):
    status, answer, _ = daemon.http("/v1/invites", method="POST", body=body)
    assert status == 201
    return json.loads(answer)


def refusal(client, **more):
    with pytest.raises(ServerError) as refused:
        client.register(**more)
    return refused.value.code


def test_invite_lets_in_as_many_as_it_says(inviting, crowd):
    client = crowd.connect(inviting)
    assert client.challenge["registration"] == "INVITE"
    assert refusal(client) == "invite_invalid"
    assert refusal(client, invite="made-up") == "invite_invalid"
    assert refusal(client, invite="x" * 65) == "too_large"

    invite = make_invite(inviting, uses=2)
    assert invite["uses"] == 2
    for _ in range(2):
        device = crowd.connect(inviting).register(invite=invite["code"])
        crowd.login(device, inviting)
    assert refusal(client, invite=invite["code"]) == "invite_invalid"


def test_refused_registration_does_not_use_the_invite_up(inviting, crowd):
    code = make_invite(inviting, uses=2)["code"]
    alice = crowd.connect(inviting).register(invite=code)
    assert refusal(crowd.connect(inviting), handle=alice.handle, invite=code) == "handle_taken"
    crowd.connect(inviting).register(invite=code)


def test_broken_connection_does_not_use_the_invite_up(inviting, crowd):
    code = make_invite(inviting, uses=1)["code"]
    taken = crowd.connect(inviting).register(invite=make_invite(inviting)["code"]).handle
    for _ in range(20):
        client = crowd.connect(inviting)
        device = Device()
        device.handle = taken
        client.start(register=client.register_body(device, invite=code))
        client.close()
    deadline = time.time() + 10
    while True:
        try:
            crowd.connect(inviting).register(invite=code)
            break
        except ServerError as refused:
            assert refused.code == "invite_invalid" and time.time() < deadline


def test_expired_invite_is_refused(inviting, crowd):
    invite = make_invite(inviting, valid_s=1)
    time.sleep(max(0.0, invite["expires_ms"] / 1000 - time.time()) + 0.2)
    assert refusal(crowd.connect(inviting), invite=invite["code"]) == "invite_invalid"


def test_uses_survive_kill(inviting, crowd):
    code = make_invite(inviting, uses=2)["code"]
    crowd.connect(inviting).register(invite=code)
    inviting.restart()
    crowd.connect(inviting).register(invite=code)
    assert refusal(crowd.connect(inviting), invite=code) == "invite_invalid"


@pytest.mark.parametrize(
    "body", [{"uses": 0}, {"uses": "many"}, {"uses": 1.5}, {"valid_s": 0}, {"colour": 1}, [], "x"]
)
def test_bad_request_is_refused(inviting, body):
    status, answer, _ = inviting.http("/v1/invites", method="POST", body=body)
    assert status == 400 and json.loads(answer)["error"]
