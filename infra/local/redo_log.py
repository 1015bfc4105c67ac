"""An append-only log of what changed, from which a killed process finds everything again.

An entry is a JSON array whose first element names it. Entries that belong together stand on one line, so that all of
them or none come back. A line is `<crc32, 8 hex> <JSON array of entries>`. Entries hold results, never requests: to
apply one twice, or under another clock, gives the same state.
"""

import fcntl
import json
import os
import sys
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

Entry = list[Any]

_LOCK_WAIT_S = 1.0


class DamagedLogError(RuntimeError):
    """A line in the middle of the log is unreadable: what follows it cannot be trusted to be complete."""


class StateInUseError(RuntimeError):
    """Another process holds this state directory."""


class RedoLog:
    """What was added to it before a crash is there after it.

    Where several threads change the state, each holds `lock` for the change and its entry together, so that lines
    stand in the order in which the changes were made. Without a path it keeps nothing.
    """

    def __init__(self, path: Path | None, *, rewrite_after_bytes: int, sync: bool) -> None:
        self.lock = threading.RLock()
        self._path = path
        self._rewrite_after_bytes = rewrite_after_bytes
        self._sync = sync
        self._open_batch: list[Entry] | None = None
        self._file: IO[bytes] | None = None
        self._rewrite_at_bytes = rewrite_after_bytes
        self._held = hold_directory(path.parent) if path is not None else None

    def replay(self) -> Iterator[Entry]:
        """Yield what was kept, oldest first. The last line may be torn: nobody was told that it was kept.

        Raises:
            DamagedLogError: an unreadable line has readable ones after it.
        """
        if self._path is None or not self._path.exists():
            return
        with self._path.open("rb") as lines:
            torn_at: int | None = None
            for number, line in enumerate(lines, start=1):
                batch = _decode(line)
                if batch is None:
                    torn_at = torn_at or number
                elif torn_at is not None:
                    raise DamagedLogError(f"{self._path}: line {torn_at} is damaged; move the file away to start empty")
                else:
                    yield from batch

    def rewrite(self, entries: Iterable[Entry]) -> None:
        """Replace the whole log by these entries, in one step: a crash leaves the old log or the new one."""
        if self._path is None:
            return
        fresh = self._path.with_suffix(".new")
        with self.lock:
            with fresh.open("wb") as file:
                file.writelines(_encode([entry]) for entry in entries)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
            _sync_directory(self._path.parent)
            if self._file is not None:
                self._file.close()
            self._file = self._path.open("ab")
            self._rewrite_at_bytes = max(self._rewrite_after_bytes, 2 * self._file.tell())

    @property
    def rewrite_is_due(self) -> bool:
        """Whether the log has grown to where writing the state afresh is worth its time."""
        return self._file is not None and self._file.tell() > self._rewrite_at_bytes

    def close(self) -> None:
        """Let the directory go."""
        for file in (self._file, self._held):
            if file is not None:
                file.close()

    def add(self, *entry: Any) -> None:
        """Keep one entry: at once, or with the rest of the batch around it."""
        with self.lock:
            if self._open_batch is not None:
                self._open_batch.append(list(entry))
            else:
                self._write([list(entry)])

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Keep everything added inside together, when the block ends; also when it ends with an error."""
        with self.lock:
            self._open_batch = []
            try:
                yield
            finally:
                batch, self._open_batch = self._open_batch, None
                self._write(batch)

    def _write(self, batch: list[Entry]) -> None:
        if self._file is None or not batch:
            return
        try:
            self._file.write(_encode(batch))
            self._file.flush()
            if self._sync:
                os.fsync(self._file.fileno())
        except OSError as error:
            _give_up(error)


def _encode(batch: list[Entry]) -> bytes:
    content = json.dumps(batch, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(content), content)


def _decode(line: bytes) -> list[Entry] | None:
    checksum, _, content = line.removesuffix(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(content):
        return None
    return list(json.loads(content))


def _give_up(error: OSError) -> NoReturn:
    """Die before anything is acknowledged that is not kept; memory is already ahead of the log."""
    print(f"engine: the redo log cannot be written ({error.strerror}); stopping", file=sys.stderr, flush=True)
    os._exit(1)


def hold_directory(directory: Path) -> IO[bytes]:
    """Make the directory ours until this process ends; a predecessor that is just dying is waited for.

    Raises:
        StateInUseError: somebody else has it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    held = (directory / "lock").open("wb")
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                held.close()
                raise StateInUseError(f"another engine uses {directory}") from None
            time.sleep(0.02)
        else:
            return held


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
