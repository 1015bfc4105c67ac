"""The configuration this stack begins with: what the file says, with the address of its own keys in it."""

import time
from dataclasses import dataclass
from pathlib import Path

from infra.configuration.apply import Request, apply
from infra.configuration.check import check_file
from infra.configuration.stages import Stage
from infra.local.options import STAGE

BY = "the local stack"


class UnusableFileError(Exception):
    """The file cannot be applied; the message has a line for each reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """Which version is in force, and whether it is somebody else's."""

    version: int
    kept: bool


def seed(path: Path, jwks_url: str) -> Seeded:
    """Put the file in force and its secrets in their place, unless an operator has applied something else since.

    Theirs stays in force over restarts; only the address of the keys in it is ours. The environment says where.

    Raises:
        UnusableFileError: the file has mistakes.
    """
    checked = check_file(path, STAGE)
    if checked.configuration is None:
        raise UnusableFileError("\n".join(problem.told(path) for problem in checked.problems))
    stage = Stage.open(STAGE)
    current = stage.configurations.get_current()
    kept = current.number > 0 and current.by != BY
    request = Request(
        configuration=current.configuration if kept else checked.configuration,
        by=current.by if kept else BY,
        at_ms=time.time_ns() // 1_000_000,
        comment=f"keys at {jwks_url}" if kept else str(path.name),
        own_keys=jwks_url,
    )
    applied = apply(stage, request, checked.local_secrets)
    return Seeded(version=applied.number, kept=kept)
