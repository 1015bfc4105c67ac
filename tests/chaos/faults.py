"""Faults at every call: each path, each request to AWS in it, and everything that can befall one.

A path is a scene and a step (`_scenes`). The step is taken once in peace, to list its calls; then once for every call
and every fault (`_injection`), in a new process, and repeated as its queue or its client would. When all that is due
has been done the promises (tests/promises.py) are asked of the real tables, and again two minutes later.

One point alone: ``POINT="accept/4/killed after" PARTS=faults make chaos`` (path, number of the call, fault).
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, repeat
from multiprocessing import get_context

from tests.chaos._injection import DELIVERIES, Fault, applies
from tests.chaos._scenes import SCENES, Step
from tests.chaos._site import VISIBILITY_S, Site, Snapshot, running_site
from tests.chaos._visitor_scenes import VISITOR_SCENES, what_visitors_miss
from tests.chaos.options import Options
from tests.chaos.tally import Tally
from tests.promises import Standing, breaches, every_change_is_recorded
from throughline.domain.conversations import ContactState, Direction, Entry
from throughline.domain.identifiers import digest
from throughline.domain.messages import DeliveryStatus
from throughline.domain.visitors import WEBCHAT

PATHS = {**SCENES, **VISITOR_SCENES}
LANES = 2  # processes, each with an engine
# Whoever fails between a claim and its record takes the reasons along; that it was offered is in the contact's head.
_DECISION = {"dynamodb.TransactWriteItems", "apigatewaymanagementapi.PostToConnection"}
SAMPLE = 2  # calls of a path that the short form tries with each fault
OF_VISITORS = 4  # faults the short form tries on a visitor's path, each at one call
REST_S = 130  # longer than an offer, a cool-down, a grace, and whatever looks a second time
# What comes back only after its visibility time-out finds that timers have gone off meanwhile; the others come at once.
LATE = {Fault.REFUSED, Fault.KILLED_AFTER}
DELIVERED = {DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ}


@dataclass(frozen=True, kw_only=True)
class Point:
    """One fault at one call of one path; `number` 0 is the whole delivery."""

    path: str
    number: int
    call: str
    fault: Fault

    @property
    def name(self) -> str:
        """Return what repeats it."""
        return f"{self.path}/{self.number}/{self.fault}"


def run(options: Options) -> Tally:
    """Try every point, or in the short form a few calls of every path with every fault."""
    total, alone = Tally(), os.environ.get("POINT")
    paths = [path for path in PATHS if not alone or alone.startswith(f"{path}/")]
    with ProcessPoolExecutor(LANES, mp_context=get_context("spawn")) as pool:
        for tally in pool.map(try_paths, [paths[lane::LANES] for lane in range(LANES)], repeat(options), repeat(alone)):
            total.add(tally)
    if alone and not total.points:
        total.broken.append(f"faults: there is no point {alone}")
    return total


def try_paths(paths: Sequence[str], options: Options, alone: str | None = None) -> Tally:
    """Try the points of these paths, or the one called `alone`, on an engine of their own."""
    total = Tally()
    with running_site() as site:
        for path in paths:
            total.add(_try_path(site, path, options, alone))
    return total


def _try_path(site: Site, path: str, options: Options, alone: str | None) -> Tally:
    trial = Trial(site, path)
    points = trial.points()
    chosen = [point for point in points if point.name == alone] if alone else _sampled(points, options)
    tally = Tally(broken=[f"faults: {path}, in peace: {sentence}" for sentence in trial.peace])
    for point in chosen:
        tally.add(trial.attack(point, options.seed))
    print(
        f"  {path}: {len(trial.calls)} calls, {len(chosen)} points of {len(points)}",
        *tally.broken,
        sep="\n    ",
        flush=True,
    )
    return tally


def _sampled(points: Sequence[Point], options: Options) -> Sequence[Point]:
    if not options.short:
        return points
    path = points[0].path
    draws = options.draws(f"faults/{path}")
    kinds = [[point for point in points if point.fault is fault] for fault in Fault]
    if path in VISITOR_SCENES:
        return [draws.choice(found) for found in draws.sample([found for found in kinds if found], OF_VISITORS)]
    return [point for found in kinds for point in draws.sample(found, min(SAMPLE, len(found)))]


class Trial:
    """One path on a site."""

    def __init__(self, site: Site, path: str) -> None:
        self._site, self._path = site, path
        site.restore(site.empty)
        self._step: Step = PATHS[path](site)
        self._start: Snapshot = site.keep()
        site.restore(self._start)
        with site.injector.watching():
            done = self._step.attempt(1)
        self.calls = list(site.injector.calls)
        if not done:
            self._step.repeat(1, 0)
        site.run_due()
        self.peace = list(self._breaches(in_time=True))

    def points(self) -> list[Point]:
        """Return every point of the path."""
        steps = [(0, "the whole delivery"), *enumerate(self.calls, start=1)]
        return [
            Point(path=self._path, number=number, call=call, fault=fault)
            for number, call in steps
            for fault in Fault
            if (fault in DELIVERIES if number == 0 else applies(fault, call)) and self._has(fault)
        ]

    def _has(self, fault: Fault) -> bool:
        """Return whether this can befall the step: queues redrive, clients go."""
        if fault in {Fault.KILLED_FORGOTTEN, Fault.REDRIVEN}:
            return self._step.socket is None
        if fault is Fault.BESIDE:
            return not self._step.hands_over
        return fault is not Fault.KILLED_ALONE or self._step.socket is not None

    def attack(self, point: Point, seed: int) -> Tally:
        """Let it happen, let everything come to rest, and judge."""
        site = self._site
        site.restore(self._start)
        injected = site.injector.injected
        self._befall(point)
        late = self._seconds_until_again(point)
        site.run_due(late)
        first = list(self._breaches(in_time=not late and point.fault is not Fault.KILLED_ALONE))
        site.run_due(REST_S - late)
        tally = _counted(site)
        tally.faults = site.injector.injected - injected
        found = [*first, *self._breaches(in_time=False), *site.state.stuck]
        if self._is_recorded(point):
            found += every_change_is_recorded(site.standing())
        if point.fault not in DELIVERIES and not tally.faults:
            found.append("the fault was never met")
        _sort(tally, found)
        where = f"{point.path}, call {point.number} ({point.call}), {point.fault}, seed {seed}"
        tally.broken = [
            f'faults: {where}: {sentence}. Alone: POINT="{point.name}"' for sentence in dict.fromkeys(found)
        ]
        return tally

    def _befall(self, point: Point) -> None:
        site, step, done = self._site, self._step, False
        if point.fault in DELIVERIES:
            step.attempt(1)
            site.new_process()
            step.attempt(1 if point.fault is Fault.REDRIVEN else 2)
            site.injector.injected += 1
            return
        other: list[bool] = []

        def beside() -> None:
            with site.beside():
                other.append(step.attempt(2))

        with site.injector.watching(point.number, point.fault, beside):
            done = step.attempt(1)
        if site.injector.dead:
            site.new_process()
        if point.fault is Fault.KILLED_ALONE and step.socket:
            site.hang_up(step.socket)
        elif site.injector.dead or not (done or any(other)):
            step.repeat(0 if point.fault is Fault.KILLED_FORGOTTEN else 1, self._seconds_until_again(point))

    def _is_recorded(self, point: Point) -> bool:
        """Return whether every change has to be on record.

        That is written behind the change. It is not promised of the routing's own decisions, nor where nobody repeats
        the step, or only after the contact has moved on.
        """
        just_before = set(self.calls[max(0, point.number - 3) : point.number])
        repeated_at_once = point.fault is not Fault.KILLED_ALONE and not self._seconds_until_again(point)
        return repeated_at_once and not _DECISION & just_before

    def _seconds_until_again(self, point: Point) -> int:
        return VISIBILITY_S if point.fault in LATE and self._step.queued else 0

    def _breaches(self, *, in_time: bool) -> Iterator[str]:
        site = self._site
        standing = site.standing()
        yield from chain.from_iterable(breaches(standing).values())
        yield from _of_messages(site, standing)
        yield from _of_replies(site, standing, may_be_unknown=self._step.hands_over)
        yield from _of_offers(site)
        yield from what_visitors_miss(site, standing)
        if in_time:
            yield from self._step.expect(site, standing)


# ---------------------------------------------------------------- nothing lost, nothing twice

LOST, DOUBLED, STUCK, OVER = "lost: ", "doubled: ", "stuck: ", "over capacity"


def _of_messages(site: Site, standing: Standing) -> Iterator[str]:
    entries = Counter(entry.digest for entry in standing.entries)
    yield from (f"{DOUBLED}one message is {count} entries" for count in entries.values() if count > 1)
    for account, provider_id in site.state.written:
        count = entries[digest(account, provider_id)]
        if count != 1:
            yield f"{DOUBLED if count else LOST}the message {provider_id} is {count} entries"


def _of_replies(site: Site, standing: Standing, *, may_be_unknown: bool) -> Iterator[str]:
    said: dict[str, list[Entry]] = {}
    for entry in standing.entries:
        if entry.direction is Direction.OUTBOUND:
            said.setdefault(entry.text or "", []).append(entry)
    for text in {*said, *site.state.replies}:
        entries, sends = said.get(text, []), site.state.sends[text]
        if len(entries) != 1:
            yield f"{DOUBLED if entries else LOST}the reply '{text}' is {len(entries)} entries"
            continue
        status = entries[0].status
        if sends > 1:
            yield f"{DOUBLED}the reply '{text}' was sent {sends} times"
        if status in DELIVERED and not sends and entries[0].channel != WEBCHAT:
            yield f"{LOST}the reply '{text}' is {status} and no provider has it"
        if status not in DELIVERED and not (may_be_unknown and _is_told(site, entries[0])):
            yield f"{STUCK}the reply '{text}' is {status}"


def _is_told(site: Site, entry: Entry) -> bool:
    """Return whether the agent is told that the outcome is not known, or a later attempt is still to come."""
    outbound = site.environment["OUTBOUND_QUEUE_URL"]
    return entry.status is DeliveryStatus.UNKNOWN or any(record.queue == outbound for record in site.state.records)


def _of_offers(site: Site) -> Iterator[str]:
    shown: dict[str, set[str]] = {}
    for socket, frame in site.state.frames:
        if frame.get("event") == "offer":
            shown.setdefault(frame["offer"], set()).add(socket.partition("-")[0])
    for offer, agents in shown.items():
        if len(agents) > 1:
            yield f"{DOUBLED}the offer {offer} was made to {' and '.join(sorted(agents))}"


def _sort(tally: Tally, found: Sequence[str]) -> None:
    for sentence in set(found):
        tally.lost += sentence.startswith(LOST)
        tally.doubled += sentence.startswith(DOUBLED)
        tally.stuck += sentence.startswith(STUCK) or "keeps failing" in sentence
        tally.over_capacity += OVER in sentence


def _counted(site: Site) -> Tally:
    standing, state = site.standing(), site.state
    return Tally(
        points=1,
        messages=len(state.written),
        entries=len(standing.entries),
        offers=sum(change.state is ContactState.OFFERED for change in standing.changes),
        sends=sum(state.sends.values()),
    )
