"""What comes to a webhook and is no message: forged, cut, swollen, misdirected, unknown, or with one thing odd in it.

Each case ends with a real message of the same customer, so what poisons the queue shows.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from infra.local.recorded import RECORDINGS, renewed
from infra.local.signing import signed_headers
from infra.local.webhooks import FORM, JSON, Webhook
from tests.chaos.mutations import each_leaf_changed
from tests.chaos.provider.case import Attack, Case

TAKEN = (200, 204)
FORGED = (401,)
MAX_WEBHOOK_BYTES = 1 << 20
DEPTH = 100_000
ANY_TYPE = ("text/plain", "application/octet-stream", "multipart/form-data; boundary=x", "", "nonsense")
# what a recording names somebody else by: to be told so as the customer would make two people one
_OF_TWO_PEOPLE = (b"user_id", b'"system"', b'"contact"')


class Recording(NamedTuple):
    """What a provider really sends, as if it were for the attacked account, and where possible from the customer."""

    webhook: Webhook
    query: str


async def truncate(case: Case) -> None:
    """A body that ends too early, with the proof of the whole and with a proof of its own."""
    await case.open()
    whole = _aside(case)
    lengths = range(len(whole.body))
    for length in case.chance.sample(lengths, min(len(lengths), case.amount(10, 60))):
        part = replace(whole, body=whole.body[:length])
        case.again(2)
        speaks_of_the_body = _proof(case, part) != _proof(case, whole)
        await case.post(part, headers=_proof(case, whole), taken=FORGED if speaks_of_the_body else TAKEN)
        await case.post(part)
    await case.settle()


async def swell(case: Case) -> None:
    """More than a webhook may have."""
    await case.open()
    for size in case.amount([MAX_WEBHOOK_BYTES], [MAX_WEBHOOK_BYTES, 7 << 20, 11 << 20]):
        case.again()
        await case.post(_aside(case, "x" * size), taken=(413,))
    await case.settle()


async def forge(case: Case) -> None:
    """No proof, an empty one, one with a character changed, one made with another secret."""
    await case.open()
    webhook = _aside(case)
    proof = _proof(case, webhook)
    others = replace(case.account, secrets={name: f"not {secret}" for name, secret in case.account.secrets.items()})
    url = case.site.client.public_url + case.account.webhook_path
    forged = [
        {"Content-Type": webhook.content_type},
        {name: value if name == "Content-Type" else "" for name, value in proof.items()},
        {name: value if name == "Content-Type" else value[:-2] + "!=" for name, value in proof.items()},
        signed_headers(others, url, webhook.body, webhook.content_type),
    ]
    for headers in forged:
        case.again()
        await case.post(webhook, headers=headers, taken=FORGED)
    await case.settle()


async def misdirect(case: Case) -> None:
    """A right webhook to an account nobody has, to a channel nobody has, to another channel, and by another method."""
    await case.open()
    webhook, client = _aside(case), case.site.client
    channel, name = case.account.channel, case.account.name
    others = [case.site.centre.account(other).webhook_path for other in case.others]
    wrong = {f"/webhooks/{channel}/nobody": 404, f"/webhooks/pigeon/{name}": 404, **dict.fromkeys(others, 401)}
    for path, status in wrong.items():
        case.again()
        answer = await asyncio.to_thread(client.request, "POST", path, webhook.body, headers=_proof(case, webhook))
        if answer.status != status:
            case.broke(f"a webhook to {path} was answered {answer.status}")
    answer = await asyncio.to_thread(client.request, "GET", case.account.webhook_path)
    if answer.status != 401:
        case.broke(f"a GET without a proof was answered {answer.status}")
    await case.settle()


async def tell_everything(case: Case) -> None:
    """Every webhook that was ever recorded of the provider, known to us or not."""
    await case.open()
    for recording in _recordings(case):
        await case.post(recording.webhook, query=recording.query)
    await case.settle()


async def tell_it_oddly(case: Case) -> None:
    """Every recorded webhook with one leaf replaced by what nobody expects there, or taken out; in full, each leaf."""
    await case.open()
    changed = [
        Recording(webhook=replace(recording.webhook, body=body), query=recording.query)
        for recording in _recordings(case)
        for body in each_leaf_changed(recording.webhook.body, case.chance)
    ]
    for recording in case.chance.sample(changed, min(len(changed), case.amount(30, 300))):
        case.again()
        await case.post(recording.webhook, query=recording.query)
    await case.settle()


async def write_what_is_no_json(case: Case) -> None:
    """Bodies without end, with a name twice, with a mark of their encoding, as another type; bytes that are no text."""
    await case.open()
    webhook = _aside(case)
    deep = [b"[" * DEPTH + b"]" * DEPTH, b'{"entry":' * DEPTH + b"1" + b"}" * DEPTH]
    odd = [b"", b"null", b"[]", b"{}", b"nonsense", b"1" * 5000, b"NaN", b"\xef\xbb\xbf" + webhook.body, *deep]
    if webhook.content_type == JSON:
        odd += [b'{"update_id": null, "entry": [], "message": 1, ' + webhook.body[1:]]
    for body in odd:
        case.again()
        await case.post(replace(webhook, body=body))
    for content_type in ANY_TYPE:
        case.again()
        await case.post(replace(webhook, content_type=content_type))
    if webhook.content_type != FORM:
        case.again()
        # API Gateway hands over as text what is no binary type: these bytes arrive as others, so a proof of them fails.
        await case.post(replace(webhook, body=webhook.body[:-1] + b"\xff\xfe}"), taken=(*TAKEN, *FORGED))
    await case.settle()


def _aside(case: Case, text: str = "aside") -> Webhook:
    """Return what the customer says without its being counted."""
    return case.talk.written(case.talk.say(case.account, case.sender, text, case.since))


def _proof(case: Case, webhook: Webhook) -> dict[str, str]:
    url = case.site.client.public_url + case.account.webhook_path
    return signed_headers(case.account, url, webhook.body, webhook.content_type)


def _recordings(case: Case) -> Iterator[Recording]:
    for path in sorted((RECORDINGS / case.talk.channel).glob("*.http")):
        head, _, body = path.read_bytes().partition(b"\n\n")
        method, _, target = head.decode().splitlines()[1].partition(" ")
        query = target.partition("?")[2]
        if method == "POST" and "bodySHA256" not in query:
            yield Recording(webhook=_for_us(case, path.stem, body), query=query)


def _for_us(case: Case, name: str, body: bytes) -> Webhook:
    if not any(word in body for word in _OF_TWO_PEOPLE):
        try:
            return renewed(case.account, name, case.sender.number)
        except (LookupError, TypeError, ValueError):
            pass  # it is no message
    return Webhook(body=body, content_type=case.talk.content_type)


# Every provider's webhooks can be imitated.
NONSENSE: Mapping[str, Attack] = {
    "cut bodies": truncate,
    "swollen bodies": swell,
    "forged proofs": forge,
    "wrong addresses": misdirect,
    "everything recorded": tell_everything,
    "one odd thing": tell_it_oddly,
    "no JSON": write_what_is_no_json,
}
