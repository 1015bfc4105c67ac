"""What a target of the fuzzer is, and what all of them hold an attempt to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.http_fixtures import (
    PROVIDERS,
)
from throughline.domain.errors import (
    RejectedError,
)

FINDINGS = PROVIDERS.parent / "fuzz"
LONG_ENOUGH = 8  # a shorter secret could stand in an error by chance

Attempt = Callable[[bytes], None]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One parser. `prepare` is called once in a process; an attempt raises only if a promise was broken.

    `cost` says how many times dearer an attempt is than that of the cheap ones: it gets so many fewer.
    """

    seeds: Callable[[], Iterable[bytes]]
    prepare: Callable[[], Attempt]
    cost: int = 1


def findings_of(target: str) -> Path:
    """Return the folder with the inputs that broke a target once."""
    return FINDINGS / target.replace("/", "_")


class ToldSecretError(Exception):
    """An error has a secret in its words."""


def declared(
    errors: type[RejectedError] | tuple[type[RejectedError], ...], secrets: Iterable[str], call: Callable[[], Found]
) -> Found | None:
    """Return what `call` returns, or None after one of its declared errors.

    Raises:
        ToldSecretError: the error tells a secret, and would be logged.
    """
    try:
        return call()
    except errors as error:
        tell_nothing(error, secrets)
        return None


def tell_nothing(error: Exception, secrets: Iterable[str]) -> None:
    """Raise ToldSecretError if an error tells a secret."""
    told = str(error)
    if any(len(secret) >= LONG_ENOUGH and secret in told for secret in secrets):
        raise ToldSecretError(type(error).__name__)
