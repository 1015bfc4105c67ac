"""What operators' commands have in common: which stage they are about, where AWS is answered for, how they fail."""

import argparse
import os
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

from infra.addresses import is_web_address
from infra.configuration.schema import LOCAL_STAGE
from throughline.domain.errors import ConfigurationError, ThroughlineError

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# What a stack on this machine takes; a real account's region and credentials come from the environment as always.
_LOCAL_ENVIRONMENT = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
_ADVICE = "give the address that `make run` prints as `AWS engine`: ENDPOINT=http://… (--endpoint http://…)"


def stage_options() -> argparse.ArgumentParser:
    """Return the options that every command takes, as a parent of its parsers."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--stage", default="dev", help="the stage it is about (dev)")
    options.add_argument("--endpoint", help="where AWS is answered for, if not by AWS: http://127.0.0.1:4566")
    return options


def use_endpoint(stage: str, endpoint: str | None, *, needed: bool = True) -> None:
    """Let this process speak to the stage: `endpoint`, or AWS_ENDPOINT_URL, or AWS itself.

    Raises:
        ConfigurationError: it is no address, or the local stage has none and one is `needed`.
    """
    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL")
    if not endpoint and stage == LOCAL_STAGE and needed:
        raise ConfigurationError(f"stage {LOCAL_STAGE} is on this machine; {_ADVICE}")
    if not endpoint:
        return
    if not is_web_address(endpoint):
        raise ConfigurationError(f"{endpoint!r} is no address of an AWS engine; {_ADVICE}")
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    if urlsplit(endpoint).hostname not in _LOOPBACK:
        return
    # The local stage is always the same account: what an operator has set up for a real one leads elsewhere.
    chosen = _LOCAL_ENVIRONMENT if stage == LOCAL_STAGE else _LOCAL_ENVIRONMENT | os.environ
    os.environ.update(chosen)
    if stage == LOCAL_STAGE:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            os.environ.pop(name, None)


def carry_out(command: Callable[[], int]) -> int:
    """Return the command's exit code; what stops it is told in one line, and the code is 1."""
    try:
        return command()
    except (ThroughlineError, ConfigurationError) as error:
        problem = str(error)
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    print(f"error: {problem}", file=sys.stderr)
    return 1
