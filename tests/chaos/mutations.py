"""What a provider or a client could send instead: each leaf of a body replaced by what nobody expects there."""

import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode

Path = tuple[str | int, ...]
Form = list[tuple[str, str]]

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


def every_form(body: bytes) -> Iterator[bytes]:
    """Return a recorded body in every form with one thing odd in it, whether it is JSON or a form."""
    if body[:1] in {b"{", b"["}:
        yield from _every_json(json.loads(body))
    elif body:
        yield from _every_form(parse_qsl(body.decode(), keep_blank_values=True))


def _every_json(value: Any) -> Iterator[bytes]:
    for path in leaves(value):
        yield written(without(value, path))
        for odd in ODD_VALUES:
            yield written(replaced(value, path, odd))


def _every_form(form: Form) -> Iterator[bytes]:
    for place, (name, value) in enumerate(form):
        yield _form([*form[:place], *form[place + 1 :]])
        yield _form([*form, (name, value)])
        for odd in ODD_TEXTS:
            yield _form([*form[:place], (name, odd), *form[place + 1 :]])


def written(value: Any) -> bytes:
    """Return a value as JSON; half a surrogate pair is escaped, as it has to be in UTF-8."""
    return json.dumps(value).encode()


def _form(form: Form) -> bytes:
    return urlencode(form, errors="replace").encode()


def mutated(content: bytes, chance: Random) -> bytes:
    """Return `content` with one thing changed where its structure is known; what stands before a blank line stays."""
    head, blank, body = content.partition(b"\n\n")
    if not blank:
        head, body = b"", content
    return head + blank + _mutated_body(body, chance)


def _mutated_body(body: bytes, chance: Random) -> bytes:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return _with_a_piece_changed(body, chance)
    paths = list(leaves(value))
    if not paths:
        return written(chance.choice(ODD_VALUES))
    path = chance.choice(paths)
    taken_out = chance.random() < 0.1
    return written(without(value, path) if taken_out else replaced(value, path, chance.choice(ODD_VALUES)))


def _with_a_piece_changed(body: bytes, chance: Random) -> bytes:
    start = chance.randrange(len(body) + 1)
    end = min(len(body), start + chance.randrange(8))
    piece = chance.choice(
        (b"", b"\x00", b"\xff", b"&", b"=", b"%00", b"{", b"[", b":", b"\n", bytes([chance.randrange(256)]))
    )
    return body[:start] + piece + body[end:]
