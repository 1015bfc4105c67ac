"""A stack of its own as a child process, for the demo and for tests."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.local.client import StackClient
from infra.local.deployed import ROOT

START_S = 120.0
STOP_S = 30.0

_READY = "Throughline is ready at "


class StackDidNotStartError(Exception):
    """It ended, or said nothing; the message is what it said last."""


class StackProcess:
    """A running stack on a free port; leaving the `with` block stops it. `log` is everything it printed."""

    def __init__(self, state_dir: Path, options: Mapping[str, str] | None = None) -> None:
        self.log: list[str] = []
        self._ready = threading.Event()
        self._url: str | None = None
        paths = [str(ROOT), str(ROOT / "layers/core/python"), os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"],
            env=os.environ
            | {"PORT": "0", "STATE_DIR": str(state_dir), "PYTHONUNBUFFERED": "1"}
            | dict(options or {})
            | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C reaches us, and we stop it
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def client(self) -> StackClient:
        """Return a client for it, once it is ready.

        Raises:
            StackDidNotStartError: it did not get that far.
        """
        self._ready.wait(START_S)
        if self._url is None:
            self.stop()
            raise StackDidNotStartError("the stack did not start:\n" + "\n".join(self.log[-10:]))
        return StackClient.at(self._url)

    def stop(self) -> int:
        """End it as Ctrl-C would; return its exit code. Safe to repeat."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join(STOP_S)
        return self.process.returncode

    def kill(self) -> None:
        """End it as a crash would (SIGKILL), and wait until it is gone."""
        self.process.kill()
        self.process.wait()
        self._reader.join(STOP_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _read(self) -> None:
        if self.process.stdout is None:
            return
        with self.process.stdout as lines:
            for line in lines:
                self.log.append(line.rstrip())
                if line.startswith(_READY):
                    self._url = line.removeprefix(_READY).split(" ", 1)[0]
                    self._ready.set()
        self._ready.set()
