"""The last device of an account cannot be revoked."""


def test_last_device_cannot_be_revoked(people):
    alice = people.new()
    assert alice.error_of(revokeDevice={"deviceId": 1}).code == "not_allowed"
    alice.request(ping={})
    assert [d["deviceId"] for d in alice.devices()] == [1]


def test_after_a_revocation_the_one_left_is_the_last(people, shared):
    alice = people.new()
    laptop = people.login(shared.link(alice))
    laptop.revoke(1)
    assert laptop.error_of(revokeDevice={"deviceId": 2}).code == "not_allowed"
