"""Everything of a stage that did not get through, in one place: found, driven through again, or thrown away."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from functions._wiring import world_of
from infra.configuration.stages import find_region, now_ms
from infra.letters.bucket import JSON, Bucket
from infra.letters.files import DRIVEN, DRIVING, KEPT, REFUSED, kept_letters, queue_in, refused_letters
from infra.letters.letters import Letter
from infra.letters.queues import NAMES, Held, LetterQueue, find_queue, full_name
from throughline.aws.clients import Clients
from throughline.domain.errors import (
    ConfigurationError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    RejectedError,
)
from throughline.flows.drive_again import drive_again
from throughline.ports import World
from throughline.settings import Environment

SHELVES = (*NAMES, REFUSED, KEPT)
SHORTEST_ID = 6
ROUNDS = 10_000  # of ten letters a group each
ROUND_S = 480  # less than they are held: the rest is taken into our hands again


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which letters are meant: of which shelves, with what in the reason, of which queue or account, of which day."""

    shelves: Sequence[str] = SHELVES
    reason: str = ""
    at: str = ""
    day: str = ""

    def takes(self, letter: Letter) -> bool:
        """Return whether a letter is meant."""
        came = datetime.fromtimestamp(letter.since_ms / 1000, tz=UTC).date().isoformat()
        return self.reason in letter.reason and letter.at.startswith(self.at) and came.startswith(self.day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """What came of driving a letter through again, for the operator to read, and whether something of it stays."""

    letter_id: str
    told: str
    stays: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A letter and what can be done with it: `redrive` tells what came of it, `discard` wants a note.

    `behind` is the letter of the same group that comes before it, if there is one.
    """

    letter: Letter
    redrive: Callable[[], Driven]
    discard: Callable[[dict[str, Any]], None]
    behind: str | None = None


class Office:
    """The letters of one stage, reached with the operator's own rights."""

    def __init__(self, stage: str) -> None:
        """Find the stage in the account, region and endpoint that the environment names.

        Raises:
            ConfigurationError: no region is named, or there is no such stage there.
        """
        self._stage = stage
        self._endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
        self._clients = Clients(region=find_region(), endpoint_url=self._endpoint)
        account = find_queue(self._clients, full_name(stage, NAMES[0])).split("/")[-2]
        self._blobs_bucket = f"throughline-{stage}-blobs-{account}"
        self._bucket = Bucket(self._clients, self._blobs_bucket)
        self._queues = {name: LetterQueue(self._clients, self._bucket, stage, name) for name in NAMES}
        self._made: list[World] = []

    def find(self, exits: ExitStack, choice: Choice) -> Sequence[Found]:
        """Return the letters that are meant, oldest first. What was not dealt with is given back as `exits` closes."""
        found = [item for shelf in choice.shelves for item in self._look(exits, shelf) if choice.takes(item.letter)]
        return sorted(found, key=lambda item: item.letter.since_ms)

    def behind(self) -> Iterator[tuple[str, int]]:
        """Yield the queues in which the last look did not see everything, and about how many it did not see."""
        yield from ((name, queue.behind) for name, queue in self._queues.items() if queue.behind)

    def find_one(self, exits: ExitStack, letter_id: str, choice: Choice) -> Found:
        """Return the letter of that id, or whose id begins so.

        Raises:
            InvalidRequestError: the id is too short to be sure.
            NotFoundError: there is none, or SQS does not show it now.
            ConflictError: several begin so.
        """
        if len(letter_id) < SHORTEST_ID:
            raise InvalidRequestError(f"{letter_id} is too short for an id; give {SHORTEST_ID} characters or more")
        found = [item for item in self.find(exits, choice) if item.letter.letter_id.startswith(letter_id)]
        if not found:
            raise NotFoundError(f"no letter is called {letter_id}; `list` shows them")
        if len(found) > 1:
            raise ConflictError(f"{len(found)} letters begin with {letter_id}; give more of the id")
        return found[0]

    def redrive_all(self, choice: Choice) -> Iterator[Driven]:
        """Drive everything that is meant through again, and tell what came of each.

        Of a group no letter overtakes another that is not meant.
        """
        begun_ms = now_ms()
        for shelf in choice.shelves:
            for _ in range(ROUNDS):
                told = list(self._round(replace(choice, shelves=(shelf,)), begun_ms))
                yield from told
                if not told or shelf not in self._queues:
                    break

    def _round(self, choice: Choice, begun_ms: int) -> Iterator[Driven]:
        """Drive once what SQS shows at once: of a FIFO queue ten letters a group."""
        until = time.monotonic() + ROUND_S
        with ExitStack() as exits:
            staying: set[str] = set()
            for shelf in choice.shelves:
                for item in self._look(exits, shelf):
                    if time.monotonic() > until:
                        return
                    meant = choice.takes(item.letter) and item.letter.there_ms < begun_ms
                    if meant and item.behind not in staying:
                        yield item.redrive()
                    else:
                        staying.add(item.letter.letter_id)

    # ------------------------------------------------------------ shelves

    def _look(self, exits: ExitStack, shelf: str) -> Iterator[Found]:
        if shelf == REFUSED:
            return (self._refused(key, letter) for key, letter in refused_letters(self._bucket))
        if shelf == KEPT:
            return (self._kept(key, letter) for key, letter in kept_letters(self._bucket))
        queue = self._queues[shelf]
        return self._dead(queue, exits.enter_context(queue.held()))

    def _dead(self, queue: LetterQueue, held: Sequence[Held]) -> Iterator[Found]:
        before: dict[str, str] = {}
        for item in held:
            yield self._dead_letter(queue, item, before.get(item.group or ""))
            if item.group and queue.fifo:
                before[item.group] = item.letter.letter_id

    def _dead_letter(self, queue: LetterQueue, item: Held, behind: str | None) -> Found:
        def redrive() -> Driven:
            queue.redrive(item)
            return Driven(letter_id=item.letter.letter_id, told=f"sent back to {queue.name}")

        def discard(note: dict[str, Any]) -> None:
            letter = item.letter
            content = {"body": letter.words, **letter.details, **note}
            self._bucket.put(f"discarded/dead/{queue.full_name}/{letter.letter_id}.json", _json(content), JSON)
            queue.discard(item)

        return Found(letter=item.letter, redrive=redrive, discard=discard, behind=behind)

    def _refused(self, key: str, letter: Letter) -> Found:
        def redrive() -> Driven:
            name = queue_in(key)
            if name not in self._queues:
                raise ConfigurationError(f"there is no queue {name} any more")
            self._queues[name].send(letter.words, letter.details.get("group"), f"redrive-{letter.letter_id}-{now_ms()}")
            self._bucket.delete(key)
            return Driven(letter_id=letter.letter_id, told=f"sent back to {name}")

        return Found(letter=letter, redrive=redrive, discard=lambda note: self._throw_away(key, note))

    def _kept(self, key: str, letter: Letter) -> Found:
        def redrive() -> Driven:
            begun = self._move(key, DRIVING)  # a worker may find no use for it once more, and keep it under its old key
            try:
                taken = drive_again(self._world(), self._bucket.get(begun))
            except (RejectedError, ConfigurationError) as problem:
                self._move(begun, KEPT)
                return Driven(letter_id=letter.letter_id, told=f"stays: {problem}", stays=True)
            if taken.rest:
                self._bucket.delete(begun)
                reasons = ", ".join(dict.fromkeys(item.reason for item in taken.rest))
                told = f"{taken.queued} queued; stays: {reasons}"
                return Driven(letter_id=letter.letter_id, told=told, stays=True)
            self._move(begun, DRIVEN)
            return Driven(letter_id=letter.letter_id, told=f"{taken.queued} queued")

        return Found(letter=letter, redrive=redrive, discard=lambda note: self._throw_away(key, note))

    def _move(self, key: str, shelf: str) -> str:
        """Move a kept file to where it is by now; return its key there. The copy first: it is never nowhere."""
        moved = f"{shelf}/{key.partition('/')[2]}"
        if moved != key:
            self._bucket.put(moved, self._bucket.get(key), JSON)
            self._bucket.delete(key)
        return moved

    def _throw_away(self, key: str, note: dict[str, Any]) -> None:
        self._bucket.put(f"discarded/{key}", _json({**json.loads(self._bucket.get(key)), **note}), JSON)
        self._bucket.delete(key)

    # ------------------------------------------------------------ the world that kept webhooks are driven into

    def _world(self) -> World:
        if not self._made:
            self._made.append(replace(world_of(self._environment()), telemetry=_Unheard()))
        return self._made[0]

    def _environment(self) -> Environment:
        stage = self._stage
        tables: dict[str, Any] = {
            f"{name}_table": f"throughline-{stage}-{name}" for name in ("threads", "customers", "routing", "settings")
        }
        queues: dict[str, Any] = {f"{name}_queue_url": queue.url for name, queue in self._queues.items()}
        return Environment(
            stage=stage,
            aws_region=find_region(),
            public_url="",  # what was kept knows its own address, and nothing is sent
            blobs_bucket=self._blobs_bucket,
            secrets_prefix=f"/throughline/{stage}",
            sockets_endpoint="",
            aws_endpoint_url=self._endpoint,
            **tables,
            **queues,
        )


class _Unheard:
    """A command's counts are nobody's metrics."""

    def count(self, metric: str, **dimensions: str) -> None:
        """Count nothing."""

    def alert(self, metric: str, error: Exception, **dimensions: str) -> None:
        """Count nothing; what is wrong is told by the command itself."""


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode()
