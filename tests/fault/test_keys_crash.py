"""Keys and kill -9: no one-time key is given to two claimers, no identity is lost, the log stays one consistent log."""

import random
import threading
import time

from godwit_e2e.identity import unb64
from godwit_e2e.keys import Identity, check_chains, claim_body, enroll, key_log, packages_of, publish, stock
from godwit_e2e.websocket import Closed

CLAIMERS = 64
PACKAGES = 150


class Claimer(threading.Thread):
    """Claims of everybody until the connection breaks; what it was told is in `got`."""

    def __init__(self, daemon, device, targets):
        super().__init__()
        self.client = daemon.login(device)
        self.targets, self.got, self.failed = targets, [], None

    def run(self):
        try:
            while True:
                reply = self.client.request(claimKeys=claim_body(self.targets))
                for keys in reply["users"]:
                    self.got += packages_of(keys).values()
        except (Closed, OSError):
            return  # the daemon is gone
        except Exception as error:  # noqa: BLE001: the test tells it
            self.failed = error


def test_64_claimers_and_kill_give_no_key_twice(daemons):
    daemon = daemons({"keys.claimed_per_hour": 0, "keys.claimed_per_claimer": 0, "journal.checkpoint_interval_ms": 200}).start()
    devices = daemon.register_many(CLAIMERS + 4)
    targets, claimers = devices[:4], devices[4:]
    published = set()
    for target in targets:
        client = daemon.login(target)
        identity = Identity(target)
        packages = identity.packages(PACKAGES)
        publish(client, **identity.body(), keyPackages=packages)
        published |= set(map(unb64, packages))
    got = []
    for _ in range(4):
        threads = [Claimer(daemon, device, targets) for device in claimers]
        for thread in threads:
            thread.start()
        time.sleep(random.uniform(0.05, 0.3))
        daemon.kill()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive() and thread.failed is None, thread.failed
            got += thread.got
        daemon.start()
    assert got, "nobody got anything"
    assert len(got) == len(set(got)), f"{len(got) - len(set(got))} keys were given out twice"
    assert set(got) <= published
    left = sum(stock(daemon.login(target)).get("keyPackages", 0) for target in targets)
    assert left <= len(published) - len(got), "what was told is used up"


def test_identities_that_change_while_killed(daemons):
    limits = {"keys.published_per_hour": 0, "keys.identities_per_day": 0}
    daemon = daemons({"journal.checkpoint_interval_ms": 200, **limits}).start()
    devices = daemon.register_many(24)
    acknowledged = {device.user_id: [] for device in devices}

    failed = []

    def change(device, client):
        try:
            while True:
                identity = Identity(device)
                publish(client, **identity.body(), keyPackages=identity.packages(1))
                acknowledged[device.user_id].append(identity.public_key)
        except (Closed, OSError):
            return
        except Exception as error:  # noqa: BLE001: the test tells it
            failed.append(error)

    for _ in range(4):
        threads = [threading.Thread(target=change, args=(one, daemon.login(one))) for one in devices]
        for thread in threads:
            thread.start()
        time.sleep(random.uniform(0.1, 0.4))
        daemon.kill()
        for thread in threads:
            thread.join(30)
        daemon.start()
        entries = key_log(daemon.login(devices[0]), limit=1000)
        check_chains(entries)
        for user, keys in acknowledged.items():
            logged = [unb64(e["devices"][0]["identityKey"]) for e in entries if int(e["userId"]) == user]
            assert [key for key in logged if key in keys] == keys, "an acknowledged identity is missing"
        assert not failed, failed
    assert sum(map(len, acknowledged.values())) > 24


def test_revocations_while_killed_leave_the_log(daemons):
    daemon = daemons({"journal.checkpoint_interval_ms": 100}).start()
    owners = [daemon.login(daemon.register()) for _ in range(12)]
    linked = []
    for owner in owners:
        enroll(owner, packages=1)
        laptop = daemon.login(daemon.link(owner))
        enroll(laptop, packages=1)
        linked.append(laptop.device.device_id)
    requests = [owner.start(revokeDevice={"deviceId": device}) for owner, device in zip(owners, linked)]
    owners[0].result(requests[0])
    daemon.kill()
    daemon.start()
    gone = {owner.device.user_id for owner in owners if len(daemon.login(owner.device).devices()) == 1}
    reader = daemon.login(daemon.register())
    assert owners[0].device.user_id in gone
    deadline = time.monotonic() + 30
    while True:
        # Whoever is asked for is repaired, if it was not before.
        reply = reader.request(claimKeys=claim_body(owners, key_packages=False))
        told = {int(one["userId"]): len(one["devices"]) for one in reply["users"]}
        if all(told[user] == 1 for user in gone):
            break
        assert time.monotonic() < deadline, "a revoked device is still told"
        time.sleep(0.05)
    check_chains(key_log(reader))
