"""`python -m infra.local`: run the contact centre on this machine. `make run` does this."""

import logging
import os
import sys

from infra.local.engine import EngineStartError
from infra.local.options import BadOptionError, Options
from infra.local.seed import UnusableFileError
from infra.local.server import PortTakenError
from infra.local.stack import run


def main() -> int:
    """Run until a signal; return the exit code."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.WARNING, stream=sys.stdout)
    logging.getLogger("stack").setLevel(os.environ.get("LOCAL_LOG_LEVEL", "INFO"))
    try:
        run(Options.read(os.environ))
    except (BadOptionError, PortTakenError, EngineStartError, UnusableFileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0  # before anything was served
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a function that never comes back must not keep the process
