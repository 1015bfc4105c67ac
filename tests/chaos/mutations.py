"""What a provider or a client could send instead: each leaf of a body replaced by what nobody expects there."""

import json
import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode

Path = tuple[str | int, ...]
Form = list[tuple[str, str]]

SHARE_OF_FIELDS = 0.7  # of the changes to a form; the others are to its bytes
_FORM = re.compile(rb"[\w.~+%*-]+=[\w.~+%*:/-]*(&[\w.~+%*-]+=[\w.~+%*:/-]*)*", re.ASCII)

ODD_TEXTS: Sequence[str] = (
    "",
    "0",
    "-1",
    " ",
    "\x00",
    "\ud83d",
    "\u202e\u0645\u0631\u062d\u0628\u0627\u202c",
    "\U0001f469\u200d\U0001f680",
    "e\u0301\u0327" * 40,
    "x" * 10_000,
    "9" * 30,
    "1e400",
    "#|.:/%00",
)
ODD_VALUES: Sequence[Any] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**20,
    2**63,
    10**400,
    [],
    {},
    [None],
    [[]],
    {"": None},
    {"x": {"y": []}},
    *ODD_TEXTS,
)


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Return where everything in a JSON value stands: its leaves, and the lists and objects around them."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from leaves(item, (*path, key))


def replaced(value: Any, path: Path, odd: Any) -> Any:
    """Return a copy with `odd` in the place of what stands at `path`."""
    if not path:
        return odd
    key, rest = path[0], path[1:]
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = replaced(value[key], rest, odd)
    return copy


def without(value: Any, path: Path) -> Any:
    """Return a copy in which nothing stands at `path`."""
    *around, last = path
    holder = value
    for key in around:
        holder = holder[key]
    bare: Any = dict(holder) if isinstance(holder, dict) else list(holder)
    del bare[last]
    return replaced(value, tuple(around), bare)


def each_leaf_changed(body: bytes, chance: Random) -> Iterator[bytes]:
    """Return a recorded body, JSON or a form, once for each leaf, with something odd in its place, or nothing."""
    value = _decoded(body)
    if value is not None:
        for path in leaves(value):
            yield _changed(value, path, chance)
    else:
        form = parse_qsl(body.decode(), keep_blank_values=True)
        for place in range(len(form)):
            yield _form_changed(form, place, chance)


def _decoded(body: bytes) -> Any:
    """Return the list or object in a body, or None."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _changed(value: Any, path: Path, chance: Random) -> bytes:
    taken_out = chance.random() < 0.1
    return written(without(value, path) if taken_out else replaced(value, path, chance.choice(ODD_VALUES)))


def _form_changed(form: Form, place: int, chance: Random) -> bytes:
    name, value = form[place]
    instead = [[], [(name, value), (name, value)], *([(name, odd)] for odd in ODD_TEXTS)]
    changed = [*form[:place], *chance.choice(instead), *form[place + 1 :]]
    return urlencode(changed, errors="replace").encode()


def written(value: Any) -> bytes:
    """Return a value as JSON; half a surrogate pair is escaped, as it has to be in UTF-8."""
    return json.dumps(value).encode()


def mutated(content: bytes, chance: Random) -> bytes:
    """Return `content` with one thing changed where its structure is known; what stands before a blank line stays."""
    head, blank, body = content.partition(b"\n\n")
    if not blank:
        head, body = b"", content
    return head + blank + _mutated_body(body, chance)


def _mutated_body(body: bytes, chance: Random) -> bytes:
    value = _decoded(body)
    if value:
        return _changed(value, chance.choice(list(leaves(value))), chance)
    if value is None and _FORM.fullmatch(body) and chance.random() < SHARE_OF_FIELDS:
        form = parse_qsl(body.decode(), keep_blank_values=True)
        return _form_changed(form, chance.randrange(len(form)), chance)
    return _with_a_piece_changed(body, chance)


def _with_a_piece_changed(body: bytes, chance: Random) -> bytes:
    start = chance.randrange(len(body) + 1)
    end = min(len(body), start + chance.randrange(8))
    piece = chance.choice(
        (b"", b"\x00", b"\xff", b"&", b"=", b"%00", b"{", b"[", b":", b"\n", bytes([chance.randrange(256)]))
    )
    return body[:start] + piece + body[end:]
