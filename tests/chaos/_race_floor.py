"""Queues, timers, screens and the clock of the races, in the parent's hands: it decides what is delivered when.

The clock is the real one plus what was skipped: nobody waits twenty seconds for an offer to run out.
"""

import heapq
import multiprocessing
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any, Self

from tests.chaos._race_crew import Crew
from tests.chaos._race_tables import RaceTables
from tests.chaos._race_worker import Job, Setup, number_of
from tests.promises import Standing
from throughline.aws.queues import compact
from throughline.domain.configuration import Configuration
from throughline.domain.encodings import InboundJob, encode_inbound
from throughline.domain.messages import ChannelEvent

WORKERS = 4
SOCKETS = 50_000  # in all of a run
MAX_DELIVERIES = 60
HISTORY = 60_000
SHOWN = 80  # lines of the history of whoever came to harm
LISTEN_S = 0.05
APART_S = 0.01
HELD_WITHIN = 9  # requests: what is to be held later than that is as good as never held
SAMPLE_S = 0.4
TWICE = 0.15  # on a day

_shared = multiprocessing.get_context("spawn")

Hear = Callable[[str, Mapping[str, Any]], None]


class RaceFloor:
    """One stage on the engine with everybody who is at work there. A context manager: it ends its processes."""

    def __init__(
        self,
        environment: Mapping[str, str],
        configuration: Configuration,
        seed: str,
        *,
        workers: int = WORKERS,
    ) -> None:
        self.draws = random.Random(seed)
        self.tables = RaceTables(environment)
        self.queued: list[Job] = []  # what somebody who tries it has to hand in
        self._be_heard_by_nobody()
        self.armed: list[tuple[int, int, dict[str, Any]]] = []
        self.broken: list[str] = []
        self.tally: Counter[str] = Counter()
        self.answers: dict[str, Mapping[str, Any]] = {}  # by the id of the frame: what it was answered first
        self.shown: dict[str, set[str]] = {}  # by the tab of a visitor: the entries it knows
        self.offered: dict[str, set[str]] = {}  # to whom each offer was shown
        self._begun_s = time.monotonic()
        self._history: deque[str] = deque(maxlen=HISTORY)
        self._numbers = count(1)
        self._screens = count(1)
        self._queue: deque[list[Job]] = deque()
        self._sampled_s = 0.0
        self._skew_ms: Any = _shared.RawValue("q", 0)
        self.shut: Any = _shared.RawArray("b", SOCKETS)
        self.crew = Crew(
            workers,
            Setup(
                environment=environment,
                configuration=configuration,
                seed=seed,
                skew_ms=self._skew_ms,
                shut=self.shut,
                ended=_shared.RawValue("q", 0),
            ),
            self,
        )

    def __enter__(self) -> Self:
        self.crew.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.crew.stop()

    def _be_heard_by_nobody(self) -> None:
        """Let nobody act upon what is heard; records are kept for `take_records`."""
        self.on_frame: Hear = lambda _connection, _frame: None
        self.on_done: Callable[[Job], None] = lambda _job: None
        self.on_record: Callable[[Job], None] = self.queued.append

    # ------------------------------------------------------------ what is to be done

    def message(self, event: ChannelEvent, *, apart_s: float = 0.0) -> Job:
        """Return the record of a provider's event: another one for every delivery by the provider."""
        number = next(self._numbers)
        job = InboundJob(inbound=f"in-{number}", arrival_ms=self.now_ms, event=event)
        return Job(kind="inbound", payload=compact(encode_inbound(job)), number=number, apart_s=apart_s)

    def work(self, work: Mapping[str, Any], *, apart_s: float = 0.0) -> Job:
        """Return the record of a timer."""
        return Job(kind="timers", payload=compact(work), number=next(self._numbers), apart_s=apart_s)

    def says(self, connection: str, action: str, *, apart_s: float = 0.0, **fields: Any) -> Job:
        """Return a frame of a client, to be repeated under the same id until it is answered."""
        number = next(self._numbers)
        text = compact({"action": action, "id": f"f{number}", **fields})
        return Job(kind="message", payload=text, connection=connection, number=number, apart_s=apart_s)

    def connects(self, agent: str) -> Job:
        """Return the opening of a socket; its connection bears the next number."""
        number = next(self._screens)
        return Job(kind="connect", payload="", connection=f"{agent}-{number}", agent=agent, number=number)

    def disconnects(self, connection: str, *, apart_s: float = 0.0) -> Job:
        """Return the end of a socket."""
        number = next(self._numbers)
        return Job(kind="disconnect", payload="", connection=connection, number=number, apart_s=apart_s)

    def hang_up(self, connection: str, *, twice: float) -> None:
        """Shut a socket: nothing is shown there any more, and its end is told."""
        self.shut[number_of(connection)] = 1
        self.deliver(self.disconnects(connection), twice=twice)

    def hand(self, *jobs: Job) -> None:
        """Have jobs done from the same instant on, behind what was handed in before."""
        self._queue.append([replace(job, deliveries=job.deliveries + 1) for job in jobs])

    def without(self, rule: str) -> None:
        """Let every process work without a rule of the write protocol; "" puts it back."""
        self.now(*(Job(kind="rule", payload=rule) for _ in range(self.crew.size)))

    def now(self, *jobs: Job) -> None:
        """Have jobs done from the same instant on, and everything that follows from them at once."""
        self.hand(*jobs)
        self.settle()

    # ------------------------------------------------------------ the clock

    @property
    def now_ms(self) -> int:
        """Return the time of everybody here."""
        return time.time_ns() // 1_000_000 + int(self._skew_ms.value)

    def skip(self, seconds: float) -> None:
        """Let time go by. What comes due is handed in when next somebody looks."""
        self._skew_ms.value += round(seconds * 1000)

    def skip_to_next_timer(self) -> bool:
        """Let time go by until the next timer is due; False when none is armed."""
        if self.armed:
            self.skip(max(0, self.armed[0][0] - self.now_ms + 1) / 1000)
        return bool(self.armed)

    # ------------------------------------------------------------ doing it

    @property
    def pending(self) -> int:
        """Return how many instants are still to come."""
        return len(self._queue)

    def go_on(self, *, twice: float = 0.0) -> None:
        """Hand out what can be, and listen. `twice` is the chance that a record is delivered twice."""
        self._take_due(twice)
        while self._queue and self.crew.free >= min(len(self._queue[0]), self.crew.size):
            jobs = self._queue.popleft()
            self.crew.hand_out(jobs[: self.crew.size])
            if jobs[self.crew.size :]:
                self._queue.appendleft(jobs[self.crew.size :])
        self.crew.listen(LISTEN_S)
        self._sample()

    def settle(self) -> None:
        """Go on until nothing is to be done any more at this instant."""
        while not self.is_still:
            self.go_on()

    @property
    def is_still(self) -> bool:
        """Return whether nobody does anything and nothing is due."""
        due = bool(self.armed) and self.armed[0][0] <= self.now_ms
        return self.crew.idle and not self._queue and not due

    def _take_due(self, twice: float) -> None:
        while self.armed and self.armed[0][0] <= self.now_ms:
            self.deliver(self.work(heapq.heappop(self.armed)[2]), twice=twice)

    def deliver(self, job: Job, *, twice: float) -> None:
        """Hand a job in; perhaps to two processes at the same instant, or again when it was done."""
        drawn = self.draws.random()
        if drawn < twice / 2:
            again = replace(job, deliveries=job.deliveries + 1, apart_s=self.draws.random() * APART_S)
            again.held_at = self.draws.randint(0, HELD_WITHIN)
            self.hand(job, again)
        else:
            self.hand(job)
            if drawn < twice:
                self.hand(replace(job, deliveries=job.deliveries + 1))

    def _sample(self) -> None:
        """Look at every agent now and then, in the middle of everything: nobody ever has too much."""
        if time.monotonic() - self._sampled_s < SAMPLE_S:
            return
        self._sampled_s = time.monotonic()
        for sentence in self.tables.over_capacity():
            self.tally["over_capacity"] += 1
            self.breaks(f"in the middle of the run {sentence}")

    # ------------------------------------------------------------ what is heard

    def timer(self, work: dict[str, Any], due_ms: int) -> None:
        """Take a timer that was armed."""
        heapq.heappush(self.armed, (due_ms, next(self._numbers), work))

    def record(self, kind: str, body: dict[str, Any]) -> None:
        """Take what was put on a queue."""
        self.on_record(Job(kind=kind, payload=compact(body), number=next(self._numbers)))

    def take_records(self) -> list[Job]:
        """Return what was put on queues since somebody last asked."""
        taken = [*self.queued]
        self.queued.clear()
        return taken

    def frame(self, connection: str, frame: dict[str, Any]) -> None:
        """Take a frame that was posted."""
        self.note(-1, f"{connection} is told {str(frame)[:300]}")
        if frame.get("code") in {"store_unavailable", "retryable"}:
            return
        if "id" in frame:
            self.answers.setdefault(str(frame["id"]), frame)
        if connection.startswith("visitor:") and frame.get("event") in {"message", "snapshot"}:
            entries = frame.get("entries", [frame.get("entry")])
            self.shown.setdefault(connection, set()).update(str(entry["id"]) for entry in entries)
        for offer in [frame] if frame.get("event") == "offer" else frame.get("offers", []):
            self._shown(str(offer["offer"]), connection.rpartition("-")[0])
        self.on_frame(connection, frame)

    def _shown(self, offer: str, agent: str) -> None:
        """Take note to whom an offer was shown: there is one only, whoever looks."""
        agents = self.offered.setdefault(offer, set())
        if agents and agent not in agents:
            self.tally["doubled"] += 1
            self.breaks(f"{offer} was offered to {', '.join(sorted(agents))} and to {agent}", offer.rpartition(".")[0])
        agents.add(agent)

    def answer_to(self, job: Job) -> Mapping[str, Any]:
        """Return what a client was answered, nothing if it was not."""
        return self.answers.get(f"f{job.number}", {})

    def done(self, job: Job, *, well: bool) -> None:
        """Have a job repeated that was not done."""
        if job.kind == "message":
            well = bool(self.answer_to(job)) or bool(self.shut[number_of(job.connection)])
        if well:
            self.on_done(job)
        else:
            self._repeat(job)

    def died(self, job: Job) -> None:
        """Have a job repeated whose process was killed."""
        self._repeat(job)

    def _repeat(self, job: Job) -> None:
        if job.kind == "disconnect":  # told once
            return
        if job.deliveries > MAX_DELIVERIES:
            self.breaks(f"a {job.kind} was delivered {job.deliveries} times in vain", str(job.payload))
        else:
            self.hand(replace(job, apart_s=0.0, held_at=0))

    def error(self, job: Job | None, text: str) -> None:
        """Take note of an error that nobody meant to raise."""
        self.breaks(f"{job.kind if job else 'a process'} met an error: {text}")

    # ------------------------------------------------------------ what broke

    def note(self, worker: int, text: str) -> None:
        """Keep a line of the history."""
        who = f"#{worker}" if worker >= 0 else "  "
        self._history.append(f"{time.monotonic() - self._begun_s:8.3f} {who} {text}")

    def breaks(self, sentence: str, *concerned: str) -> None:
        """Note that something does not hold, with the history of whom it concerns."""
        self.broken.append("\n".join([sentence, *self._lines(concerned)]))

    def _lines(self, concerned: tuple[str, ...]) -> list[str]:
        lines = [f"    {line}" for line in self._history if any(name in line for name in concerned)]
        changes = [f"    {change}" for name in concerned for change in self.tables.changes(name)]
        return changes + lines[-SHOWN:]

    def standing(self) -> Standing:
        """Return what stands in the tables."""
        return self.tables.standing([work for _, _, work in self.armed])

    def forget(self) -> None:
        """Begin anew: nobody is there, nobody has written, no timer is armed."""
        self._be_heard_by_nobody()
        self.tables.wipe()
        self.armed.clear()
        self.queued.clear()
        self.shown.clear()
        self.answers.clear()
