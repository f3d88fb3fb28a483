"""Two people call one another from real browsers: set up through the daemon, media direct or through coturn."""

import base64

import pytest
from godwit_e2e.browser import Browser
from godwit_e2e.turn import Coturn

SECRET = "the secret that Godwit and coturn share"


@pytest.fixture
def browser(tmp_path):
    """`browser(daemon)`: a Chromium whose pages talk to this daemon."""
    made = []

    def make(daemon):
        made.append(Browser(daemon.client_port, tmp_path / "browser.log"))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def coturn(tmp_path):
    server = Coturn(tmp_path / "coturn", [SECRET]).start()
    yield server
    server.stop()


@pytest.fixture
def relayed(daemons, coturn):
    """`relayed(transport)`: a daemon that tells clients of coturn."""

    def make(transport, secret=SECRET):
        return daemons({"turn.servers": [coturn.url + transport], "turn.secret": secret}).start()

    return make


def call(caller, callee):
    """Rings and is answered; media flows both ways. The id of the call."""
    placed = caller.place(callee)
    assert placed["devices"] == 1 and placed["ringMs"] > 0
    assert callee.wait_event("callOffered")["from"] == str(caller.user_id)
    caller.wait_event("callChanged", phase="RINGING")
    caller.wait_event("callChanged", phase="ACTIVE")
    for phone in (caller, callee):
        phone.wait_media()
    return placed["id"]


def is_relayed(phone, transport):
    state = phone.do("state")
    assert (state["local"]["type"], state["remote"]["type"]) == ("relay", "relay"), state
    assert state["local"]["relayProtocol"] == transport, state


def fragments(phone):
    """What names the paths in use on both sides; an ICE restart changes both."""
    state = phone.do("state")
    return {state["local"]["fragment"], state["remote"]["fragment"]}


def wait_restarted(phone, before):
    phone.wait_state(
        lambda now: now["local"] and not {now["local"]["fragment"], now["remote"]["fragment"]} & before,
        f"still on the paths {before}",
    )


def test_a_direct_call_carries_media_both_ways_and_leaves_a_record(daemon, browser):
    pages = browser(daemon)
    alice, bob = pages.phone(), pages.phone()
    call_id = call(alice, bob)
    assert bob.events("callSignaled", signal="CANDIDATES"), "what the caller sent before the answer was kept"
    for phone in (alice, bob):
        state = phone.do("state")
        assert state["local"]["type"] == "host", state

    alice.do("hangUp")
    assert bob.wait_event("callChanged", phase="ENDED")["reason"] == "HUNG_UP"
    for phone in (alice, bob):
        record = phone.wait_event("record")["call"]
        assert (record["id"], record["reason"], record["kind"]) == (call_id, "HUNG_UP", "VIDEO")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_through_coturn_with_credentials_from_the_daemon(relayed, browser, transport):
    pages = browser(relayed(transport))
    alice, bob = pages.phone("relay"), pages.phone("relay")
    call(alice, bob)
    for phone in (alice, bob):
        is_relayed(phone, transport)


def test_without_a_common_secret_there_is_no_relay(relayed, browser):
    pages = browser(relayed("udp", secret="a secret that coturn does not know"))
    alice, bob = pages.phone("relay"), pages.phone("relay")
    alice.place(bob)
    alice.wait_event("callChanged", phase="ACTIVE")
    for phone in (alice, bob):
        state = phone.wait_state(lambda now: now["errors"], "no error")
        assert set(state["errors"]) == {401} and state["connection"] != "connected", state


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_who_loses_the_server_resumes_the_call_and_restarts_ice(daemon, browser, who):
    pages = browser(daemon)
    alice, bob = pages.phone(), pages.phone()
    call(alice, bob)
    loser, other = (alice, bob) if who == "caller" else (bob, alice)
    before = fragments(loser)

    loser.do("cut")
    assert loser.do("lost") == 1006
    for phone in (alice, bob):
        phone.wait_media()  # which does not go through the server
    kept = base64.b64encode(b"kept for the absent").decode()
    other.do("signal", "INFO", [kept])

    state = loser.do("resume")
    assert (state["phase"], state["peer"]) == ("ACTIVE", str(other.user_id))
    assert loser.wait_event("callSignaled", signal="INFO")["info"] == [kept]
    loser.do("restart")
    other.wait_event("callSignaled", signal="NEW_OFFER")
    loser.wait_event("callSignaled", signal="NEW_ANSWER")
    for phone in (alice, bob):
        wait_restarted(phone, before)
        phone.wait_media()


def test_a_call_survives_a_restart_of_coturn_by_an_ice_restart(relayed, browser, coturn):
    """As config/coturn.conf.example has it: a restart ends the relays, and clients come back with new ones."""
    pages = browser(relayed("udp"))
    alice, bob = pages.phone("relay"), pages.phone("relay")
    call(alice, bob)
    before = fragments(alice)
    coturn.restart([SECRET])
    alice.wait_state(lambda now: now["connection"] != "connected", "still connected")
    alice.do("restart")
    for phone in (alice, bob):
        wait_restarted(phone, before)
        phone.wait_media()
        is_relayed(phone, "udp")
