"""What providers do with real messages: everything but delivering each once and in order."""

import asyncio
import time
from collections.abc import Mapping

from tests.chaos.mutations import ODD_TEXTS, ODD_VALUES, leaves, replaced
from tests.chaos.provider.case import Attack, Case
from tests.chaos.provider.statuses import status_of, went_back
from tests.chaos.talks.talk import Payload, Picture, Talk

HOUR_S = 3600
HUGE_CHARACTERS = (100_000, 900_000)


async def repeat(case: Case) -> None:
    """The same webhook three times at once, again when it is long on the thread, again when the queue has forgotten."""
    await case.open()
    payloads = [case.draft(f"m{number}") for number in range(3)]
    case.again(len(payloads) * 4)
    await case.deliver_at_once([payload for payload in payloads for _ in range(3)])
    await case.wait_for_entry("m2")
    await case.deliver(*payloads)
    if case.site.forgets_after_s is not None:
        await asyncio.sleep(case.site.forgets_after_s)
        await case.deliver_at_once(payloads)
    await case.settle()


async def reorder(case: Case) -> None:
    """Many messages in no order, a few of them twice."""
    await case.open()
    payloads = [case.draft(f"m{number}") for number in range(12)]
    shuffled = case.chance.sample([*payloads, *payloads[:4]], len(payloads) + 4)
    case.again(len(shuffled))
    await case.deliver(*shuffled[:8])
    await case.deliver_at_once(shuffled[8:])
    await case.settle()


async def begin_at_once(case: Case) -> None:
    """The first messages of a stranger, all at once and each of them twice: one customer, one conversation."""
    payloads = [case.draft(f"m{number}") for number in range(5)]
    case.again(len(payloads))
    await case.deliver_at_once(case.chance.sample(payloads * 2, len(payloads) * 2))
    await case.settle()


async def batch_differently(case: Case) -> None:
    """The same messages alone, in two batches that overlap, and twice in one batch."""
    await case.open()
    payloads = [case.draft(f"m{number}") for number in range(6)]
    batches = [payloads[:4], payloads[2:], [payloads[1], payloads[5], payloads[1]], payloads[:1], payloads[::-1]]
    case.again(sum(map(len, batches)) - len(payloads))
    await case.deliver_at_once([joined(case.talk, batch) for batch in batches])
    await case.settle()


async def split_an_album(case: Case) -> None:
    """The pictures of one album in webhooks of their own, side by side, one of them twice."""
    show = case.talk.show
    assert show is not None
    await case.open()
    pictures: list[Payload] = []
    for number in range(5):
        at = case.since + 60 + number
        word = f"p{number}"
        case.draft(word, at)
        picture = Picture(album=f"{case.mark}-album", caption=f"{case.mark} {word}")
        pictures.append(show(case.account, case.sender, picture, at))
    case.again(len(pictures) + 1)
    await case.deliver_at_once(case.chance.sample([*pictures, pictures[2]], len(pictures) + 1))
    entries = await case.settle()
    shown = [entry for entry in entries if entry.get("attachments")]
    albums = {(entry.get("details") or {}).get("album") for entry in shown}
    if len(shown) != len(pictures) or len(albums) != 1:
        case.broke(f"an album of {len(pictures)} became {len(shown)} pictures in {len(albums)} albums")


async def edit(case: Case) -> None:
    """Edits in no order and twice, one of them before the message it changes."""
    change = case.talk.edit
    assert change is not None
    await case.open()
    first, second = case.draft("m1"), case.draft("m2")
    edits = {}
    for word, said in (("m1", first), ("m2", second)):
        edits[word] = [
            change(said, f"{case.mark} {word} v{version}", case.since + 60 + version) for version in range(4)
        ]
        case.said[word].text = f"{case.mark} {word} v3"
    case.again(16)
    await case.deliver(edits["m1"][2], first)  # the edit is there before what it changes
    await case.deliver(second)
    rest = [*edits["m1"], *edits["m2"]] * 2
    await case.deliver_at_once(case.chance.sample(rest, len(rest)))
    await case.settle()


async def take_back(case: Case) -> None:
    """A message taken back before it is there, another one after it, both twice and edited as well."""
    withdraw, change = case.talk.take_back, case.talk.edit
    assert withdraw is not None
    assert change is not None
    await case.open()
    first, second = case.draft("m1"), case.draft("m2")
    await case.deliver(case.draft("m3"))
    case.said["m1"].text = case.said["m2"].text = None
    gone = [withdraw(said, case.since + 60) for said in (first, second)]
    case.again(7)
    await case.deliver(gone[0], first, second, *gone, change(second, f"{case.mark} m2 v2", case.since + 90), *gone)
    await case.settle()


async def report_late_and_early(case: Case) -> None:
    """Receipts while the provider has not answered the send, then all of them in no order and twice, then old ones."""
    held = await case.open()
    words = f"{case.mark}-reply"
    if case.site.plays_providers:
        rule = {"channel": case.talk.channel, "matching": words, "delay_s": 1.0}
        await asyncio.to_thread(case.site.client.request, "POST", "/sandbox/behaviour", rule)
    answer = await held.agent.send(
        "message.send", conversation=held.conversation, message_id=f"{case.mark}-1", text=words
    )
    entry, now = str(answer["entry"]["id"]), int(time.time())
    statuses = [status for status in case.talk.statuses for _ in range(2)]
    case.again(len(statuses) * 2)
    for status in case.chance.sample(statuses, len(statuses)):
        await _report(case, entry, status, now - case.chance.randrange(100))
    best = await status_of(case, entry, lambda status: status == case.talk.statuses[-1])
    for status in case.chance.sample(statuses, len(statuses)):
        await _report(case, entry, status, now)
    (final,) = [item for item in await case.settle() if item["id"] == entry]
    if went_back(best["status"], final["status"]):
        case.broke(f"the status went back from {best['status']} to {final['status']}")


async def _report(case: Case, entry: str, status: str, at: int) -> None:
    assert case.talk.receipt is not None
    receipt = case.talk.receipt(case.account, case.sender, entry, status, at)
    await case.deliver(receipt.payload, query=receipt.query)


async def report_nothing_of_ours(case: Case) -> None:
    """Receipts without a reference, with one of no message, with one that is no reference, with the customer's own."""
    held = await case.open()
    (own,) = [entry["id"] for entry in await case.wait_for_entry("hello")]
    nobody = f"{held.customer}.1763800000000.0123456789abcdef012345"
    entries = [nobody, f"{held.customer}.1.2", "h-.0.", "what?", "h-1." + "9" * 40 + ".x", own, ""]
    case.again(len(entries) * len(case.talk.statuses))
    for entry in entries:
        for status in (*case.talk.statuses, "nonsense"):
            await _report(case, entry, status, int(time.time()))
    found = await case.settle()
    if odd := [entry["id"] for entry in found if entry.get("status")]:
        case.broke(f"the customer's own message has a status: {odd}")


async def mistake_the_time(case: Case) -> None:
    """A clock hours ahead and behind, in 1970, 2100 and 2286, in milliseconds; and figures that are no time."""
    await case.open()
    now = int(time.time())
    moments = {
        "behind": now - 3 * HOUR_S,
        "ahead": now + 3 * HOUR_S,
        "in1970": 1,
        "in2100": 4_102_444_800,
        "in2286": 9_999_999_999,
        "inms": (now - 120) * 1000,
    }
    payloads = [case.draft(word, at) for word, at in moments.items()]
    case.again(len(payloads))
    await case.deliver(*case.chance.sample(payloads, len(payloads)))
    for at in (0, -1, 32_503_680_000, 10**16):  # the last but one is the year 3000
        case.again()
        await case.deliver(case.talk.say(case.account, case.sender, "-", at))
    await case.settle()


async def write_oddly(case: Case) -> None:
    """NUL, halves of characters, right to left, what means something in keys and addresses, and very long texts."""
    await case.open()
    texts = [odd for odd in ODD_TEXTS if odd.strip()]
    payloads = [case.draft(f"m{number}", text=odd) for number, odd in enumerate(texts)]
    payloads += [case.draft(f"huge{size}", text="x" * size) for size in HUGE_CHARACTERS]
    noise = "".join(chr(case.chance.randrange(0x4E00, 0x9FFF)) for _ in range(100_000))
    payloads.append(case.draft("noise", text=noise))
    case.again(len(payloads))
    await case.deliver(*payloads)
    await case.settle()


async def spoil_one_of_a_batch(case: Case) -> None:
    """One item of a batch with something odd in it: the others of the batch are filed all the same."""
    await case.open()
    assert case.talk.batch is not None
    for number in range(6):
        good = [case.draft(f"m{number}a"), case.draft(f"m{number}b")]
        spare = case.talk.say(case.account, case.sender, "-", case.since)
        whole = joined(case.talk, [good[0], spare, good[1]])
        place = (*case.talk.batch, 1)
        path = case.chance.choice(list(leaves(_at(whole, place))) or [()])
        case.again()
        await case.deliver(replaced(whole, (*place, *path), case.chance.choice(ODD_VALUES)))
    await case.settle()


def joined(talk: Talk, payloads: list[Payload]) -> Payload:
    """Return one webhook that brings what several brought."""
    assert talk.batch is not None
    place = talk.batch
    items = [item for payload in payloads for item in _at(payload, place)]
    whole: Payload = replaced(payloads[0], place, items)
    return whole


def _at(value: Payload, path: tuple[str | int, ...]) -> list[Payload]:
    found = value
    for key in path:
        found = found[key]  # type: ignore[index]
    return found  # type: ignore[return-value]


def attacks_of(talk: Talk) -> Mapping[str, Attack]:
    """Return every attack that the channel's provider can carry out."""
    known: dict[str, tuple[Attack, object]] = {
        "delivered again": (repeat, True),
        "out of order": (reorder, True),
        "first messages at once": (begin_at_once, True),
        "other batches": (batch_differently, talk.batch),
        "a split album": (split_an_album, talk.show),
        "edits": (edit, talk.edit),
        "taken back": (take_back, talk.take_back and talk.edit),
        "receipts": (report_late_and_early, talk.receipt),
        "receipts of nothing": (report_nothing_of_ours, talk.receipt),
        "another clock": (mistake_the_time, talk.tells_time),
        "odd texts": (write_oddly, True),
        "a bad item in a batch": (spoil_one_of_a_batch, talk.batch),
    }
    return {name: attack for name, (attack, possible) in known.items() if possible}
