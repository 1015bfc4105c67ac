"""`python -m infra.local`: run the contact centre on this machine. `make run` does this."""

import io
import logging
import os
import sys
from pathlib import Path
from typing import TextIO

from infra.local.engine import EngineStartError
from infra.local.options import BadOptionError, Options
from infra.local.seed import UnusableFileError
from infra.local.server import PortTakenError
from infra.local.stack import run
from infra.local.state_directory import held, unwritable


def main() -> int:
    """Run until a signal; return the exit code."""
    try:
        options = Options.read(os.environ)
        with held(options.state_dir):
            terminal = _terminal(options.functions_log)
            logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level="WARNING", stream=terminal)
            logging.getLogger("stack").setLevel(options.log_level)
            run(options, terminal)
    except (BadOptionError, PortTakenError, EngineStartError, UnusableFileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0  # before anything was served
    return 0


def _terminal(functions_log: Path | None) -> TextIO:
    """Return where the stack itself writes; what the functions write to standard output goes to their log instead.

    By descriptor, because Powertools and Chalice take hold of `sys.stdout` when they are imported.
    """
    if functions_log is None:
        return sys.stdout
    try:
        functions_log.parent.mkdir(parents=True, exist_ok=True)
        log = functions_log.open("ab")
    except OSError as error:
        raise BadOptionError(unwritable("FUNCTIONS_LOG", functions_log, error)) from None
    terminal = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    with log:
        os.dup2(log.fileno(), 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    return terminal


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a function that never comes back must not keep the process
