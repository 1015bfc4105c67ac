"""The client processes of the races: started, handed jobs, killed by what they meet, and started again."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import Any, Protocol

from tests.chaos._race_mishaps import NOTHING
from tests.chaos._race_worker import Job, Setup, work

START_TIMEOUT_S = 120.0
SILENCE_TIMEOUT_S = 60.0
AT_ONCE_S = 0.002  # how far ahead the common instant lies

_processes = multiprocessing.get_context("spawn")


class Floor(Protocol):
    """Who hears what the processes tell."""

    def timer(self, work: dict[str, Any], due_ms: int) -> None:
        """Take a timer that was armed."""
        ...

    def record(self, kind: str, body: dict[str, Any]) -> None:
        """Take what was put on a queue."""
        ...

    def frame(self, connection: str, frame: dict[str, Any]) -> None:
        """Take a frame that was posted."""
        ...

    def done(self, job: Job, *, well: bool) -> None:
        """Hear that a job came to its end; not `well` if its queue or its client is to repeat it."""
        ...

    def died(self, job: Job) -> None:
        """Hear that the process which did a job was killed."""
        ...

    def error(self, job: Job | None, text: str) -> None:
        """Hear of an error that nobody meant to raise."""
        ...

    def note(self, worker: int, text: str) -> None:
        """Keep a line of the history."""
        ...


@dataclass(slots=True, eq=False)
class _Member:
    process: Any
    pipe: Pipe
    ready: bool = False
    job: Job | None = None
    since_s: float = field(default_factory=time.monotonic)


class Crew:
    """Some processes; each does one job at a time."""

    def __init__(self, size: int, setup: Setup, floor: Floor) -> None:
        self.chances = NOTHING
        self.mishaps: Counter[str] = Counter()
        self._setup = setup
        self._floor = floor
        self._started = 0
        self._members = [self._start() for _ in range(size)]

    @property
    def idle(self) -> bool:
        """Return whether nobody does anything."""
        return all(member.job is None for member in self._members)

    @property
    def free(self) -> int:
        """Return how many could take a job now."""
        return len(self._free())

    @property
    def size(self) -> int:
        """Return how many there are, also those who are being started again."""
        return len(self._members)

    def hand_out(self, jobs: Sequence[Job]) -> None:
        """Have as many free members as there are jobs begin at the same instant."""
        start_s = time.monotonic() + (AT_ONCE_S if len(jobs) > 1 else 0.0)
        for member, job in zip(self._free(), jobs, strict=False):
            member.job, member.since_s = job, time.monotonic()
            self._floor.note(self._members.index(member), f"does {described(job)}")
            with suppress(BrokenPipeError):
                member.pipe.send((job, self.chances, start_s))

    def listen(self, timeout_s: float) -> None:
        """Hear what there is to be heard, or wait for it."""
        pipes = {member.pipe: member for member in self._members}
        for pipe in wait(list(pipes), timeout_s):
            self._hear_all(pipes[pipe])  # type: ignore[index]
        silent = [m for m in self._members if m.job and time.monotonic() - m.since_s > SILENCE_TIMEOUT_S]
        if silent:
            raise TimeoutError(f"nothing was heard of {described(silent[0].job)} for {SILENCE_TIMEOUT_S:.0f} s")

    def wait_until_ready(self) -> None:
        """Return once every process has started.

        Raises:
            TimeoutError: one of them has not.
        """
        end_s = time.monotonic() + START_TIMEOUT_S
        while not all(member.ready for member in self._members):
            self.listen(0.5)
            if time.monotonic() > end_s:
                raise TimeoutError("a client process did not start")

    def stop(self) -> None:
        """End every process, whatever it does: nothing of it is needed any more."""
        for member in self._members:
            member.process.kill()
        for member in self._members:
            member.process.join()
            member.pipe.close()

    def _free(self) -> list[_Member]:
        return [member for member in self._members if member.ready and member.job is None]

    def _start(self) -> _Member:
        ours, theirs = _processes.Pipe()
        self._started += 1
        setup = replace(self._setup, seed=f"{self._setup.seed}/{self._started}")
        process = _processes.Process(target=work, args=(theirs, setup), daemon=True)
        process.start()
        theirs.close()
        return _Member(process, ours)

    def _hear_all(self, member: _Member) -> None:
        try:
            while member.pipe.poll():
                self._hear(member, *member.pipe.recv())
        except (EOFError, ConnectionResetError):
            self._bury(member)

    def _hear(self, member: _Member, kind: str, *told: Any) -> None:
        number = self._members.index(member)
        member.since_s = time.monotonic()
        match kind:
            case "ready":
                member.ready = True
            case "timer":
                self._floor.timer(*told)
            case "record":
                self._floor.record(*told)
            case "frame":
                self._floor.frame(*told)
            case "mishap":
                self.mishaps[told[0]] += 1
                self._floor.note(number, f"{told[0]}: {told[1]}")
            case "error":
                self._floor.error(member.job, told[0])
            case "done":
                job, member.job = member.job, None
                well, writes = told
                for write in writes:
                    self._floor.note(number, write)
                if job:
                    self._floor.note(number, f"{'did' if well else 'could not do'} {described(job)}")
                    self._floor.done(job, well=well)

    def _bury(self, member: _Member) -> None:
        member.process.join()
        member.pipe.close()
        number = self._members.index(member)
        self._members[number] = self._start()
        if member.job:
            self._floor.note(number, f"was killed over {described(member.job)}")
            self._floor.died(member.job)
        elif not member.ready:
            raise ChildProcessError(f"a client process ended with {member.process.exitcode} before it began")


def described(job: Job | None) -> str:
    """Return a job in few words."""
    if job is None:
        return "nothing"
    again = f" (delivery {job.deliveries})" if job.deliveries > 1 else ""
    return f"{job.kind} {job.agent} {job.connection} {job.payload[:400]}{again}"
