"""What a send API does with a reply: slowness, death, refusals, patience asked for, errors called successes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.chaos.provider.case import Attack, Case, StuckError
from tests.chaos.provider.statuses import status_of
from tests.chaos.talks.talk import Talk

SLOWER_THAN_WE_WAIT_S = 9.0
PATIENCE_S, TOO_MUCH_PATIENCE_S = 3, 3600

ARRIVED = frozenset({"sent", "delivered", "read"})
NOT_KNOWN = frozenset({"unknown"})
REFUSED = frozenset({"failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A misbehaviour, as a rule of the sandbox, and what it may come to.

    `statuses` are those the reply may end with, `takings` how often the provider may have taken it. A receipt may tell
    what we could not know: then `unknown` becomes what it says.
    """

    rule: Mapping[str, Any]
    statuses: frozenset[str]
    taken: Sequence[int]


def faults_of(talk: Talk) -> Mapping[str, Fault]:
    """Return how a channel's send API misbehaves."""
    told = NOT_KNOWN | ARRIVED
    return {
        "slow": Fault(rule={"delay_s": 1.5}, statuses=ARRIVED, taken=[1]),
        "slower than anybody waits": Fault(rule={"delay_s": SLOWER_THAN_WE_WAIT_S}, statuses=told, taken=[1]),
        "reset": Fault(rule={"breaks": "reset"}, statuses=NOT_KNOWN, taken=[0]),
        "dies in the middle of its answer": Fault(rule={"breaks": "cut"}, statuses=told, taken=[1]),
        "500 once": Fault(rule={"status": 500}, statuses=ARRIVED, taken=[1]),
        "503 twice": Fault(rule={"status": 503, "times": 2}, statuses=ARRIVED, taken=[1]),
        "429 without a delay": Fault(rule={"status": 429}, statuses=ARRIVED, taken=[1]),
        "429 with a delay": Fault(rule={"status": 429, **talk.patience(PATIENCE_S)}, statuses=ARRIVED, taken=[1]),
        "429 for longer than an answer is worth": Fault(
            rule={"status": 429, **talk.patience(TOO_MUCH_PATIENCE_S)}, statuses=REFUSED, taken=[0]
        ),
        "refused": Fault(rule={"status": 400}, statuses=REFUSED, taken=[0]),
        "200 with an error inside": Fault(
            rule={"status": 200, "body": talk.refusal_called_success}, statuses=REFUSED | NOT_KNOWN, taken=[0]
        ),
        "200 with nothing in it": Fault(rule={"status": 200, "body": {}}, statuses=NOT_KNOWN, taken=[0]),
        "200 with a page in it": Fault(rule={"status": 200, "body": "<html>"}, statuses=NOT_KNOWN, taken=[0]),
    }


async def answer_badly(case: Case, faults: Mapping[str, Fault]) -> None:
    """Let the agent reply under each fault, each to a message of its own, one after the other on one thread."""
    held = await case.open()
    for number, (name, fault) in enumerate(faults.items()):
        words = f"{case.mark}-reply{number}"
        rule = {"channel": case.talk.channel, "matching": words, **fault.rule}
        answer = await asyncio.to_thread(case.site.client.request, "POST", "/sandbox/behaviour", rule)
        if answer.status != 204:
            raise StuckError(f"the sandbox takes no rule: {answer.body!r}")
        case.again()
        frame = {"conversation": held.conversation, "message_id": words, "text": words}
        entry = str((await held.agent.send("message.send", **frame))["entry"]["id"])
        await _judge(case, name, fault, entry, words)
    await case.settle()


async def _judge(case: Case, name: str, fault: Fault, entry: str, words: str) -> None:
    found = await status_of(case, entry, lambda status: status in fault.statuses or status in REFUSED)
    if found["status"] not in fault.statuses:
        case.broke(f"{name}: the reply is {found['status']} ({found.get('reason')})")
    if found["status"] in REFUSED | NOT_KNOWN and not found.get("reason"):
        case.broke(f"{name}: the reply is {found['status']}, and nobody says why")
    records = await asyncio.to_thread(case.site.client.sent, case.talk.channel)
    taken = sum((record.get("message") or {}).get("text") == words for record in records)
    case.site.tally.sends += taken
    if taken not in fault.taken:
        case.site.tally.doubled += taken > 1
        case.broke(f"{name}: the provider took the reply {taken} times")


def attacks_on_sends(talk: Talk, groups: int = 4) -> Mapping[str, Attack]:
    """Return attacks that try every fault; a fault holds up what follows on its thread, so there are several."""
    faults = list(faults_of(talk).items())
    return {
        f"a send API at its worst, {number + 1} of {groups}": partial(answer_badly, faults=dict(faults[number::groups]))
        for number in range(groups)
    }
