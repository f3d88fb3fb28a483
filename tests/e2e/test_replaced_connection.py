"""A device has one connection: a second one closes the first with 4204."""


def test_second_connection_closes_the_first_with_4204(people):
    alice, bob = people.pair()
    again = people.login(alice.device)
    assert alice.wait_closed().code == 4204
    bob.send(alice.device, b"to the new one")
    assert again.receive()[0].payload == b"to the new one"


def test_refused_hello_does_not_replace(people, shared):
    alice = people.new()
    intruder = people.connect()
    body = intruder.hello_body(alice.device, signer=shared.register())
    assert intruder.error_of(hello=body).code == "proof_invalid"
    alice.request(ping={})


def test_devices_tell_who_is_online(people, shared):
    alice = people.new()
    laptop = people.login(shared.link(alice))
    assert [d.get("online", False) for d in alice.devices()] == [True, True]
    laptop.close()
    for _ in range(100):
        if [d.get("online", False) for d in alice.devices()] == [True, False]:
            return
    raise AssertionError("a closed connection stays online")
