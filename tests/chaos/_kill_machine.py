"""A stack that is killed: always at the same address and on the same state, whoever is alive of it."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from infra.local.client import StackClient
from infra.local.deployed import ROOT
from infra.local.server import LOOPBACK, bind, port_of
from infra.local.stack_process import StackProcess

# The queues' visibility stays as it is, above the workers' time-out: a batch that is worked on slowly is not given out
# twice. After a kill the engine shows at once what was not deleted.
OPTIONS = {"RECEIPTS_PACE_MS": "50", "LOCAL_LOG_LEVEL": "CRITICAL"}


class Machine:
    """The stack's processes. `url` stays the same; `over` ends everybody who works on it."""

    def __init__(self, state_dir: Path) -> None:
        with bind(0) as door:
            self._port = port_of(door)
        self._state_dir = state_dir
        self._process: StackProcess | None = None
        self.url = f"http://{LOOPBACK}:{self._port}"
        self.over = False

    def client(self) -> StackClient:
        """Return a client that may find nobody there."""
        return StackClient(self.url, self.url)

    def begin(self) -> StackProcess:
        """Start the processes, and do not wait."""
        self._process = StackProcess(self._state_dir, {**OPTIONS, "PORT": str(self._port)})
        return self._process

    def start(self) -> None:
        """Start, and return once it is ready.

        Raises:
            StackDidNotStartError: the message is what it said last.
        """
        self.begin().client()

    @property
    def engine_url(self) -> str:
        """Return where the engine of the stack that runs answers."""
        return next(line.split()[-1] for line in self._running().log if "AWS engine" in line)

    def redrive(self) -> None:
        """Do what an operator does with dead letters."""
        command = [sys.executable, "-m", "infra.letters", "redrive", "--all", "--stage", "local"]
        paths = os.pathsep.join([str(ROOT), str(ROOT / "layers/core/python")])
        subprocess.run(
            [*command, "--endpoint", self.engine_url],
            env=os.environ | {"PYTHONPATH": paths},
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def kill(self) -> None:
        """Kill all of it (SIGKILL): the engine goes with the process that started it."""
        self._running().kill()

    def kill_engine(self) -> None:
        """Kill the engine alone: the stack goes on without tables and queues."""
        for child in _children(self._running().process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.stop()

    def _running(self) -> StackProcess:
        assert self._process is not None
        return self._process


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text(encoding="ascii").split()]
