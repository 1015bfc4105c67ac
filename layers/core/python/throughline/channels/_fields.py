"""Reading what a provider sent: a field may be missing, empty or of the wrong type, and none of that is a KeyError."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from throughline.domain.errors import MalformedPayloadError

Json = Mapping[str, Any]

MAX_DEPTH = 64  # the deepest body a provider documents has a dozen levels
_MILLISECONDS_FROM = 10**12  # a larger figure than this is not seconds: it would be the year 33658
_LAST_MS = 10**13 - 1  # thirteen digits, the width of a time in a sort key


def read_json(body: bytes) -> Json:
    """Return the JSON object in `body`, with everything in it fit to be stored and hashed.

    Lone surrogates become U+FFFD: they pass the parser and break every later encoding.

    Raises:
        MalformedPayloadError: it is no JSON object, holds NaN or an infinity, or nests deeper than `MAX_DEPTH`.
    """
    try:
        value = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise MalformedPayloadError("the body is not JSON") from None
    if not isinstance(value, dict):
        raise MalformedPayloadError("the body is not a JSON object")
    return mapping(_storable(value, MAX_DEPTH))


def mapping(value: object) -> Json:
    """Return `value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> Sequence[Any]:
    """Return `value` if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str | None:
    """Return `value` if it is a string with something in it."""
    return value if isinstance(value, str) and value else None


def ident(value: object) -> str | None:
    """Return an id as a string, whether the provider wrote a string or a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(value)


def number(value: object) -> float | None:
    """Return a number, also one written as a string."""
    try:
        return _finite(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None


def whole(value: object) -> int | None:
    """Return `value` if it is a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def required(value: str | None, name: str) -> str:
    """Return `value`.

    Raises:
        MalformedPayloadError: there is none; the message tells only `name`.
    """
    if value is None:
        raise MalformedPayloadError(f"no {name}")
    return value


def time_ms(value: object) -> int:
    """Return an epoch time in milliseconds, whether the provider wrote seconds or milliseconds, a number or a string.

    Raises:
        MalformedPayloadError: it is no time.
    """
    moment = ident(value)
    if moment is None or not (moment.isascii() and moment.isdigit()) or len(moment) > len(str(_LAST_MS)):
        raise MalformedPayloadError("a time that is none")
    figure = int(moment)
    sent_ms = figure if figure >= _MILLISECONDS_FROM else figure * 1000
    if not 0 < sent_ms <= _LAST_MS:
        raise MalformedPayloadError("a time that is none")
    return sent_ms


def _storable(value: Any, depth: int) -> Any:
    if depth == 0:
        raise MalformedPayloadError("the body nests too deep")
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_storable(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {clean(key): _storable(item, depth - 1) for key, item in value.items()}
    return value


def clean(value: str) -> str:
    """Return `value` with every lone surrogate replaced."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(value: float | str) -> float:
    figure = float(value)
    if not math.isfinite(figure):
        raise ValueError("not finite")
    return figure
