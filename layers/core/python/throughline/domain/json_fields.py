"""JSON objects that people's programs send us, read field by field: each read checks type and size.

What is wrong is said with the name of the field and never with its value.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn, TypeGuard, TypeVar

from throughline.domain.errors import InvalidRequestError
from throughline.domain.identifiers import MAX_REFERENCE_CHARACTERS, ConversationId, home_of_conversation

T = TypeVar("T")

MAX_INSTANT_CHARACTERS = 40


def decode_object(text: str, max_bytes: int) -> dict[str, Any]:
    """Return the JSON object in `text`.

    Raises:
        InvalidRequestError: it is none, or larger than `max_bytes`.
    """
    if len(text) > max_bytes or len(text.encode(errors="replace")) > max_bytes:
        raise InvalidRequestError(f"at most {max_bytes} bytes are taken")
    try:
        decoded = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidRequestError("has to be JSON") from None
    if not isinstance(decoded, dict):
        raise InvalidRequestError("has to be a JSON object")
    return decoded


def size_bytes(value: Mapping[str, Any]) -> int:
    """Return how many bytes an object has as JSON in UTF-8, without spaces."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are no JSON


class Fields:
    """The fields of one JSON object. It remembers which were read, so that the others can be refused.

    Every read raises InvalidRequestError with the field's name.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self._asked: list[str] = []

    def _get(self, name: str) -> Any:
        self._asked.append(name)
        return self._given.get(name)

    def text_or_none(self, name: str, limit: int) -> str | None:
        """Return a string of 1 to `limit` characters, or None if the field is missing or null."""
        value = self._get(name)
        if value is None:
            return None
        if not _is_text(value, limit):
            raise InvalidRequestError(f"{name}: has to be a string of 1 to {limit} characters")
        return value

    def text(self, name: str, limit: int) -> str:
        """Return a string of 1 to `limit` characters that has to be there."""
        return _required(name, self.text_or_none(name, limit))

    def number_or_none(self, name: str) -> int | None:
        """Return a whole number from 0, or None if the field is missing or null."""
        value: int | None = self._get(name)
        if value is not None and not is_count(value):
            raise InvalidRequestError(f"{name}: has to be a whole number, 0 or more")
        return value

    def number(self, name: str) -> int:
        """Return a whole number from 0 that has to be there."""
        return _required(name, self.number_or_none(name))

    def texts(self, name: str, limit: int, *, longest: int = MAX_REFERENCE_CHARACTERS) -> tuple[str, ...]:
        """Return a list of at most `limit` strings, none empty or over `longest`; empty if it is missing or null."""
        value = self._get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > limit or not all(_is_text(item, longest) for item in value):
            raise InvalidRequestError(
                f"{name}: has to be a list of at most {limit} strings of 1 to {longest} characters"
            )
        return tuple(value)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the fields that were given."""
        return tuple(self._given)

    def objects(self, name: str, limit: int) -> tuple[dict[str, Any], ...]:
        """Return a list of at most `limit` objects; empty if the field is missing or null."""
        value = self._get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > limit or not all(isinstance(item, dict) for item in value):
            raise InvalidRequestError(f"{name}: has to be a list of at most {limit} objects")
        return tuple(value)

    def one_of(self, name: str, choices: tuple[str, ...]) -> str:
        """Return one of `choices`."""
        value = self._get(name)
        if value not in choices:
            raise InvalidRequestError(f"{name}: has to be one of {', '.join(choices)}")
        return str(value)

    def flag(self, name: str) -> bool:
        """Return true or false; false if the field is missing or null."""
        value = self._get(name)
        if value is not None and not isinstance(value, bool):
            raise InvalidRequestError(f"{name}: has to be true or false")
        return bool(value)

    def object_or_empty(self, name: str) -> dict[str, Any]:
        """Return an object; empty if the field is missing or null."""
        value = self._get(name)
        if value is not None and not isinstance(value, dict):
            raise InvalidRequestError(f"{name}: has to be an object")
        return value or {}

    def instant_ms(self, name: str) -> int:
        """Return an instant, given as ISO 8601 with its offset from UTC, in epoch milliseconds."""
        text = self.text(name, MAX_INSTANT_CHARACTERS)
        try:
            at = datetime.fromisoformat(text)
            milliseconds = int(at.timestamp() * 1000)
        except (ValueError, OverflowError):
            at, milliseconds = None, 0
        if at is None or at.tzinfo is None:
            raise InvalidRequestError(f"{name}: has to be an instant such as 2026-11-22T10:00:00Z")
        return milliseconds

    def conversation(self, name: str = "conversation") -> ConversationId:
        """Return the id of a conversation."""
        conversation = ConversationId(self.text(name, MAX_REFERENCE_CHARACTERS))
        home_of_conversation(conversation)
        return conversation

    def refuse_others(self) -> None:
        """Raise unless every field that was given was asked for."""
        if not self._given.keys() <= set(self._asked):
            raise InvalidRequestError(f"there is a field too many; known are {', '.join(self._asked)}")


def _required(name: str, value: T | None) -> T:
    if value is None:
        raise InvalidRequestError(f"{name}: is missing")
    return value


def _is_unicode(text: str) -> bool:
    # JSON can spell half a surrogate pair ("\ud83d"); no table and no provider would take it.
    return not any("\ud800" <= character <= "\udfff" for character in text)


def is_count(value: object) -> bool:
    """Return whether a decoded JSON value is a whole number from 0 that every client can represent."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_text(value: object, longest: int) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= longest and _is_unicode(value)
