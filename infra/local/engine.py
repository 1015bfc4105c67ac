"""The AWS services of the local stack (DynamoDB, SQS, S3, SSM) as a child process on 127.0.0.1."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

EngineKind = Literal["ministack", "moto"]

_ROOT = Path(__file__).resolve().parents[2]
_START_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 10.0


class EngineStartError(RuntimeError):
    """The engine process ended, or said nothing, before it was ready."""


class Engine:
    """A running engine; leaving the `with` block stops it."""

    def __init__(self, kind: EngineKind, process: subprocess.Popen[bytes], endpoint_url: str) -> None:
        self.kind: EngineKind = kind
        self.endpoint_url = endpoint_url
        self._process = process

    @property
    def pid(self) -> int:
        """The process id of the child."""
        return self._process.pid

    def stop(self) -> None:
        """End the engine; safe to repeat. It loses no more than `kill` does, which is nothing acknowledged."""
        _close(self._process.stdin)
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the engine as a crash would (SIGKILL), and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        _close(self._process.stdin)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_engine(kind: EngineKind, state_dir: Path | None, port: int = 0, log_path: Path | None = None) -> Engine:
    """Start the engine and return once it answers with everything it had acknowledged before.

    `state_dir` None keeps nothing; `moto` keeps nothing in any case. `port` 0 takes a free one. What the child prints
    is appended to `log_path`, or shown on our standard error. The child dies with this process.

    Raises:
        EngineStartError: port taken, state directory in use or damaged; the child's last words say which.
    """
    said_before = log_path.stat().st_size if log_path is not None and log_path.exists() else 0
    process = _spawn(kind, state_dir, port, log_path)
    try:
        ready = _read_ready_line(process)
    finally:
        _close(process.stdout)
    if ready is None:
        process.kill()
        _close(process.stdin)
        message = f"the {kind} engine did not start (exit code {process.wait()}){_last_words(log_path, said_before)}"
        raise EngineStartError(message)
    return Engine(kind, process, ready)


def _spawn(kind: EngineKind, state_dir: Path | None, port: int, log_path: Path | None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"infra.local.{kind}_engine", "--port", str(port)]
    if state_dir is not None:
        command += ["--state-dir", str(state_dir.resolve())]
    if threading.current_thread() is threading.main_thread():
        # The kernel watches the thread that forks, not the process: from a thread that ends, it would end the engine.
        command += ["--parent-pid", str(os.getpid())]
    log = log_path.open("ab") if log_path is not None else None
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])},
            start_new_session=True,  # Ctrl-C in a terminal reaches us, and we stop the engine last
        )
    finally:
        _close(log)


def _read_ready_line(process: subprocess.Popen[bytes]) -> str | None:
    """Wait for the child's announcement; None when it ends first or takes too long."""
    output = process.stdout
    deadline = time.monotonic() + _START_TIMEOUT_S
    line = b""
    while output is not None and not line.endswith(b"\n"):
        readable, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(output.fileno(), 4096) if readable else b""
        if not piece:
            return None
        line += piece
    return str(json.loads(line)["endpoint_url"])


def _last_words(log_path: Path | None, said_before: int) -> str:
    """Return the end of what was logged after the first `said_before` bytes, which are of earlier engines."""
    if log_path is None:
        return ""
    words = log_path.read_bytes()[said_before:].decode(errors="replace")
    return ": " + "\n".join(words.splitlines()[-5:])


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        stream.close()
