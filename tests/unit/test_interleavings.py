"""Every step, with another whole step coming between any two of its requests to AWS: the promises hold."""

from collections.abc import Callable, Mapping
from contextlib import suppress

import pytest

from tests.replies import a_reply
from tests.unit.dying import Fate
from tests.unit.ends import made_at
from tests.unit.promises import root
from tests.unit.stage import (
    ANA,
    BSUID,
    BUDI,
    MAYA,
    OTHER,
    PHONE,
    RAKA,
    SMS,
    WHATSAPP,
    Stage,
    assigns,
    busy,
    closes,
    declares,
    leaves,
    leaves_after_work,
    pauses,
    rejects,
    resumes,
    serving,
    settled,
    stage,
    takes_over,
    to_queue,
    two_matters,
    wrap_up_ends,
    wrapping,
    wraps_up,
)
from throughline.domain.conversations import Direction
from throughline.domain.errors import RetryableError, ThroughlineError
from throughline.domain.identifiers import AgentId, ConnectionId, Identifier
from throughline.domain.messages import ConsentChanged, DeliveryStatus, StatusReported
from throughline.domain.routing import Presence
from throughline.flows.acknowledge import acknowledge
from throughline.flows.presence import lose_connection
from throughline.flows.reply import send_reply

PARENT = "bsuid_parent:US.ENT.1"
FIRST, AGAIN = False, True

Act = Callable[[Stage], object]


def says(*senders: str) -> Act:
    fields = WHATSAPP if ":" in senders[0] and not senders[0].startswith("telegram") else {}
    return lambda it: it.centre.write(list(senders), **fields)


def arrives(agent: AgentId) -> Act:
    return lambda it: it.here(agent)


def opens(agent: AgentId, screen: str) -> Act:
    return lambda it: it.centre.hello(agent, screen)


def shuts(agent: AgentId, screen: str) -> Act:
    return lambda it: lose_connection(it.world, agent, ConnectionId(screen), repeated=False)


def accepts(*senders: str) -> Act:
    return lambda it: it.accepted(*senders)


def fires(kind: str) -> Act:
    return lambda it: Stage.timer(it, MAYA, kind).step(FIRST)


def opts_out(identifier: str) -> Act:
    def act(it: Stage) -> None:
        it.centre.deliver(
            ConsentChanged(
                channel="whatsapp",
                account=WHATSAPP["account"],
                provider_id="opt-out",
                senders=(Identifier.parse(identifier),),
                sent_ms=it.centre.now_ms,
                granted=False,
            )
        )

    return act


COMING: Mapping[str, Act] = {
    "another message": says(RAKA),
    "a further message": says(MAYA),
    "ana arrives": arrives(ANA),
    "budi arrives": arrives(BUDI),
    "ana's connection ends": leaves(ANA),
    "a second screen opens": opens(ANA, "ana-2"),
    "two more open": lambda it: (opens(ANA, "ana-2")(it), opens(ANA, "ana-3")(it)),
    "the new screen closes": shuts(ANA, "ana-9"),
    "ana is not ready": declares(ANA, Presence.NOT_READY),
    "ana is offline": declares(ANA, Presence.OFFLINE),
    "ana accepts": accepts(MAYA),
    "ana rejects": rejects(ANA, MAYA),
    "ana closes": closes(ANA, MAYA),
    "ana pauses": pauses(ANA, MAYA),
    "ana wraps up": wraps_up(ANA, MAYA),
    "ana leaves after work": leaves_after_work(ANA),
    "budi takes over": lambda it: (opens(BUDI, "budi-1")(it), takes_over(BUDI, MAYA)(it)),
    "ana takes over": takes_over(ANA, MAYA),
    "budi assigns it to ana": assigns(BUDI, MAYA, ANA),
    "budi assigns it to budi": lambda it: (arrives(BUDI)(it), assigns(BUDI, MAYA, BUDI)(it)),
    "the deadline": fires("offer_timeout"),
    "the cool-down": fires("cool_down"),
}

STEPS: Mapping[str, Callable[[], Stage]] = {
    "a first message": lambda: stage().here("ana").wrote(MAYA).writes("telegram:9"),
    "a first message, nobody there": lambda: stage().did(opens(ANA, "ana-1")).wrote(MAYA).writes("telegram:9"),
    "available": lambda: stage().did(opens(ANA, "ana-1")).wrote(MAYA).does(declares(ANA, Presence.AVAILABLE)),
    "back after a loss": lambda: serving().did(leaves(ANA)).does(opens(ANA, "ana-9")),
    "one more screen": lambda: serving().does(opens(ANA, "ana-9")),
    "a lost connection": lambda: stage().here("ana", "budi").wrote(MAYA).loses(ANA),
    "a rejection": lambda: stage().here("ana", "budi").wrote(MAYA).does(rejects(ANA, MAYA)),
    "a deadline": lambda: stage().here("ana", "budi").wrote(MAYA).timer(MAYA, "offer_timeout"),
    "a close": lambda: serving().wrote(RAKA).wrote("telegram:8").does(closes(ANA, MAYA)),
    "a pause": lambda: serving().wrote(RAKA).wrote("telegram:8").does(pauses(ANA, MAYA)),
    "the end of a pause": lambda: resumes(serving().did(pauses(ANA, MAYA))),
    "a message to a paused contact": lambda: serving().did(pauses(ANA, MAYA)).writes(MAYA),
    "a message that reopens": lambda: serving().did(closes(ANA, MAYA)).writes(MAYA),
    "the end of a grace": lambda: serving().here("budi").did(leaves(ANA)).grace(ANA),
    "a cool-down": lambda: stage().here("ana").wrote(MAYA).did(rejects(ANA, MAYA)).timer(MAYA, "cool_down"),
    "a transfer": lambda: to_queue(serving().here("sara")),
    "the last close before leaving": lambda: serving().did(leaves_after_work(ANA)).wrote(RAKA).does(closes(ANA, MAYA)),
    "leaving after work": lambda: serving().wrote(RAKA).does(leaves_after_work(ANA)),
    "a wrap-up": lambda: ending_wrap_ups(serving()).does(wraps_up(ANA, MAYA)),
    "the end of a wrap-up": lambda: wrap_up_ends(wrapping().wrote(RAKA)),
    "a takeover": lambda: serving().did(opens(BUDI, "budi-1")).wrote(RAKA).does(takes_over(BUDI, MAYA)),
    "a takeover of an offer": lambda: stage().here("ana", "budi").wrote(MAYA).does(takes_over(BUDI, MAYA)),
    "an assignment": lambda: serving().here("budi").timer(MAYA, "assign", to_agent=BUDI, by="agent:budi"),
    "an assignment of an offer": lambda: (
        stage().here("ana").wrote(MAYA).here("budi").timer(MAYA, "assign", to_agent=BUDI, by="agent:budi")
    ),
    "a busy agent's close": lambda: busy().did(opens(ANA, "ana-1")).does(closes(AgentId("sara"), MAYA)),
}


def ending_wrap_ups(scene: Stage) -> Stage:
    scene.centre.end_wrap_ups_after(60)
    return scene


def meet(scene: Stage, at: int, other: Act) -> None:
    """Take the step with `other` happening before its request of that number; what may be repeated is."""
    with Fate(scene.world).interrupted(at, lambda: quietly(scene, other)):
        try:
            scene.step(FIRST)
        except RetryableError:
            scene.step(AGAIN)
        except ThroughlineError:
            pass  # a person is told that it is too late


def quietly(scene: Stage, act: Act) -> None:
    with suppress(ThroughlineError, KeyError):  # it may not be possible at this moment
        act(scene)


def count_of(build: Callable[[], Stage]) -> int:
    scene = build()
    fate = Fate(scene.world)
    with fate.watched():
        scene.step(FIRST)
    return len(fate.requests)


@pytest.mark.parametrize("step", STEPS)
def test_whatever_comes_between_a_step_leaves_nothing_undone(step: str) -> None:
    for at in range(1, count_of(STEPS[step]) + 1):
        for name, other in COMING.items():
            scene = STEPS[step]()
            meet(scene, at, other)
            assert (name, at, settled(scene)) == (name, at, [])


# ---------------------------------------------------------------- one person's homes


JOINING: Mapping[str, Callable[[], Stage]] = {
    "of a stranger": lambda: stage().here("ana").writes(PHONE, BSUID, **WHATSAPP),
    "of two who wait": lambda: stage().wrote(PHONE, **SMS).wrote(BSUID).writes(PHONE, BSUID, **WHATSAPP),
    "of two who are served": lambda: two_matters().writes(PHONE, BSUID, **WHATSAPP),
    "of two who are served, the other first": lambda: two_matters().writes(BSUID, PHONE, **WHATSAPP),
    "of one who is served and a stranger": lambda: (
        stage().here("ana").wrote(PHONE, **SMS).accepted(PHONE).writes(BSUID, PHONE, **WHATSAPP)
    ),
}

MEANWHILE: Mapping[str, Act] = {
    "a message by phone": says(PHONE),
    "a message by id": says(BSUID),
    "both, the other way round": says(BSUID, PHONE),
    "both": says(PHONE, BSUID),
    "one and a third": says(BSUID, PARENT),
    "an opt-out by phone": opts_out(PHONE),
    "an opt-out by id": opts_out(BSUID),
    "the id's conversation is accepted": accepts(BSUID),
    "the phone's conversation is accepted": accepts(PHONE),
    "ana's connection ends": leaves(ANA),
}


@pytest.mark.parametrize("step", JOINING)
def test_whatever_comes_between_a_joining_one_person_has_one_conversation(step: str) -> None:
    for at in range(1, count_of(JOINING[step]) + 1):
        for name, other in MEANWHILE.items():
            scene = JOINING[step]()
            meet(scene, at, other)
            assert (name, at, settled(scene)) == (name, at, [])
            [home] = {root(scene.centre, scene.centre.home(sender)) for sender in (PHONE, BSUID)}
            assert home in scene.centre.threads.lives
            refused = {"an opt-out by phone": PHONE, "an opt-out by id": BSUID}.get(name)
            if refused:
                known = scene.centre.customers.find_identifier(home, Identifier.parse(refused))  # type: ignore[arg-type]
                assert (name, at, known and known.opted_out(WHATSAPP["account"])) == (name, at, True)


CONSENTING: Mapping[str, Callable[[Stage], Stage]] = {
    "said": lambda it: it.does(opts_out(BSUID)),
    "reported by the provider": lambda it: it.does(is_told_of_an_opt_out(BSUID)),
}


def is_told_of_an_opt_out(sender: str) -> Act:
    """A reply failed, because its receiver does not want any."""

    def act(it: Stage) -> None:
        [reply] = [entry for entry in it.centre.threads.entries.values() if entry.direction is Direction.OUTBOUND]
        report = StatusReported(
            channel="whatsapp",
            account=WHATSAPP["account"],
            provider_id="report",
            senders=(Identifier.parse(sender),),
            sent_ms=it.centre.now_ms,
            message_id="p1",
            entry=reply.entry_id,
            status=DeliveryStatus.FAILED,
            opted_out=True,
        )
        acknowledge(it.world, report, arrival_ms=it.centre.now_ms)

    return act


@pytest.mark.parametrize("way", CONSENTING)
def test_an_opt_out_is_known_though_its_identifier_joins_another_customer_meanwhile(way: str) -> None:
    def build() -> Stage:
        scene = two_matters()
        head = scene.centre.live(BSUID)
        reply = a_reply(head.conversation, message_id=made_at(scene.centre.now_ms), text="Which one do you mean?")
        send_reply(scene.world, AgentId(str(head.holder)), reply)
        return CONSENTING[way](scene)

    for at in range(1, count_of(build) + 1):
        scene = build()
        meet(scene, at, says(PHONE, BSUID))
        home = root(scene.centre, scene.centre.home(BSUID))
        known = scene.centre.customers.find_identifier(home, Identifier.parse(BSUID))  # type: ignore[arg-type]
        assert (at, known and known.opted_out(WHATSAPP["account"])) == (at, True)


def test_two_who_bring_the_same_third_identifier_at_once_become_one_customer() -> None:
    def build() -> Stage:
        return stage().here("ana").writes(BSUID, PARENT, **WHATSAPP)

    for at in range(1, count_of(build) + 1):
        scene = build()
        meet(scene, at, says(OTHER, PARENT))
        assert len({root(scene.centre, scene.centre.home(sender)) for sender in (BSUID, OTHER, PARENT)}) == 1
