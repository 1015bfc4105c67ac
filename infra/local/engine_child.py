"""What both engine processes share: their arguments, their door, and dying with whoever started them."""

import argparse
import ctypes
import json
import os
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"

_OURS = frozenset({LOOPBACK, "localhost"})
_OWN_PATHS = ("/_", "/moto-api")
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """How an engine was asked to run."""

    port: int
    state_dir: Path | None
    parent_pid: int | None


def read_arguments(arguments: list[str] | None = None) -> Arguments:
    """Parse the command line of an engine process."""
    parser = argparse.ArgumentParser(description="AWS services on this machine, on 127.0.0.1 only")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state-dir", type=Path, default=None, help="without it nothing is kept")
    parser.add_argument("--parent-pid", type=int, default=None, help="die when this process does (Linux)")
    parsed = parser.parse_args(arguments)
    return Arguments(port=parsed.port, state_dir=parsed.state_dir, parent_pid=parsed.parent_pid)


def bind_door(port: int) -> socket.socket:
    """Reserve the port on the loopback interface without listening yet: until then connections are refused.

    Raises:
        SystemExit: the port is taken.
    """
    # asyncio turns Nagle's delay (40 ms an answer) off only where the protocol is named
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((LOOPBACK, port))
    except OSError as error:
        message = f"engine: port {port} on {LOOPBACK} cannot be opened: {error.strerror}"
        raise SystemExit(message) from error
    return door


def port_of(door: socket.socket) -> int:
    """Tell which port the door got."""
    return int(door.getsockname()[1])


def is_ours(path: str, host: str, origin: str | None) -> bool:
    """Tell a caller on this machine from a web page of somebody else, and the services' paths from the emulator's.

    A page can make its browser send requests to 127.0.0.1; it cannot make it lie about host and origin.
    """
    origin_host = LOOPBACK if origin is None else urlsplit(origin).hostname
    return urlsplit("//" + host).hostname in _OURS and origin_host in _OURS and not path.startswith(_OWN_PATHS)


def announce(port: int) -> None:
    """Tell the parent, in one line on standard output, that requests are answered now; later prints go to the log."""
    sys.stdout.write(json.dumps({"endpoint_url": f"http://{LOOPBACK}:{port}"}) + "\n")
    sys.stdout.flush()
    os.dup2(2, 1)


def die_with_parent(parent_pid: int | None) -> None:
    """End this process when the parent ends, however it ends.

    The end of standard input tells it everywhere. On Linux the kernel is asked as well: a process the parent forked
    may hold our standard input open after the parent is gone.
    """
    threading.Thread(target=_exit_at_end_of_input, name="parent-watch", daemon=True).start()
    if parent_pid is not None and sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent_pid:  # it was gone before we asked
            os._exit(0)


def _exit_at_end_of_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)  # nothing to save: what was acknowledged is in the redo log already
