"""Statuses, on top of the JSON client: a function a request."""

from dataclasses import dataclass

from .client import user_id
from .groups import add_contacts, ids
from .identity import b64, message_id, unb64
from .websocket import WAIT_S


@dataclass(frozen=True)
class Posted:
    id: bytes
    posted_ms: int
    expires_ms: int
    viewers: int


@dataclass(frozen=True)
class Ref:
    author: int
    id: bytes
    posted_ms: int
    expires_ms: int
    seen: bool = False
    muted: bool = False

    @staticmethod
    def of(body):
        return Ref(
            int(body["author"]),
            unb64(body.get("id", "")),
            int(body.get("postedMs", 0)),
            int(body.get("expiresMs", 0)),
            body.get("seen", False),
            body.get("muted", False),
        )


def befriend(*clients):
    """Each has all others among their contacts."""
    for client in clients:
        add_contacts(client, *(other for other in clients if other is not client))


def post_body(payload=b"status", audience=None, users=(), id=None):
    body = {"id": b64(id or message_id()), "payload": b64(payload)}
    if audience:
        body["audience"] = audience
    if users:
        body["users"] = ids(users)
    return body


def post(client, payload=b"status", audience=None, users=(), id=None):
    """Posted."""
    body = post_body(payload, audience, users, id)
    reply = client.request(postStatus=body)
    return Posted(
        unb64(body["id"]), int(reply["postedMs"]), int(reply["expiresMs"]), reply.get("viewers", 0)
    )


def status_page(client, after=None, limit=0, with_muted=False):
    """(refs, next or None, unseen)."""
    body = {"limit": limit, "withMuted": with_muted}
    if after is not None:
        body["after"] = after
    reply = client.request(listStatuses=body)
    return [Ref.of(ref) for ref in reply.get("statuses", [])], reply.get("next"), reply.get("unseen", 0)


def feed(client, limit=0, with_muted=False):
    """All refs, page by page."""
    refs, after = [], None
    while True:
        page, after, _ = status_page(client, after, limit, with_muted)
        refs += page
        if after is None:
            return refs
        assert page, "an empty page that is not the last"


def feed_ids(client, **options):
    return [ref.id for ref in feed(client, **options)]


def unseen(client):
    return status_page(client)[2]


def named(author, id):
    return {"author": str(user_id(author)), "id": b64(id)}


def open_status(client, author, id):
    """(payload, author's device, Ref)."""
    reply = client.request(getStatus=named(author, id))
    return unb64(reply["payload"]), reply["fromDevice"], Ref.of(reply["ref"])


def can_open(client, author, id):
    """Whether GetStatus serves it; any refusal must be status_not_found."""
    reply = client.answer_to(getStatus=named(author, id))
    if "error" in reply:
        assert reply["error"]["code"] == "status_not_found"
    return "status" in reply


def view(client, author, id):
    return client.request(viewStatus=named(author, id))


def remove_status(client, id):
    return client.request(removeStatus={"id": b64(id)})


def mute(client, author, lift=False):
    return client.request(muteStatus={"author": str(user_id(author)), "lift": lift})


def views_page(client, id, **page):
    """(count, [(user, viewed_ms)], more)."""
    reply = client.request(listStatusViews={"id": b64(id), **page})
    views = [(int(one["userId"]), int(one["viewedMs"])) for one in reply.get("views", [])]
    return reply.get("count", 0), views, reply.get("more", False)


def viewers_of(client, id):
    """Who has seen it, of the first page."""
    return [user for user, _ in views_page(client, id)[1]]


def own_statuses(client):
    """[(Posted, views)] in the order told."""
    listed = []
    for own in client.request(listOwnStatuses={}).get("statuses", []):
        posted = Posted(unb64(own["id"]), int(own["postedMs"]), int(own["expiresMs"]), own.get("viewers", 0))
        listed.append((posted, own.get("views", 0)))
    return listed


def own_ids(client):
    return [posted.id for posted, _ in own_statuses(client)]


def wait_news(client, author, id, removed=False, timeout=WAIT_S):
    """Ref of the push that tells of this status; `id` may be empty with `removed`: all of the author's."""

    def matches(body):
        ref = Ref.of(body["ref"])
        return (ref.author, ref.id, body.get("removed", False)) == (user_id(author), id, removed)

    return Ref.of(client.wait_push("statusNews", matches, timeout)["ref"])


def news(client):
    """[(author, id, removed)] that have come up to now."""
    taken = [(Ref.of(body["ref"]), body.get("removed", False)) for body in client.take_pushes("statusNews")]
    return [(ref.author, ref.id, removed) for ref, removed in taken]


def wait_view_count(client, id, count, timeout=WAIT_S):
    client.wait_push(
        "statusViewCount", lambda body: (unb64(body["id"]), body.get("count", 0)) == (id, count), timeout
    )
