"""Which resource of a REST API a path means, as API Gateway decides it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A resource and what its variables stand for, percent-encoded as in the path."""

    resource: str
    parameters: Mapping[str, str]


def match_resource(resources: Iterable[str], path: str) -> Match | None:
    """Return the resource that `path` means: literal segments go before ``{one}``, that before ``{all+}``."""
    segments = _segments(path)
    found = [(_rank(resource), resource) for resource in resources if _fit(_segments(resource), segments) is not None]
    if not found:
        return None
    resource = min(found)[1]
    return Match(resource=resource, parameters=_fit(_segments(resource), segments) or {})


def _segments(path: str) -> list[str]:
    return path.removesuffix("/").split("/")[1:]


def _rank(resource: str) -> list[int]:
    return [0 if not segment.startswith("{") else 2 if segment.endswith("+}") else 1 for segment in _segments(resource)]


def _fit(template: list[str], segments: list[str]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for position, part in enumerate(template):
        if position >= len(segments):
            return None
        if part.endswith("+}"):
            return parameters | {part[1:-2]: "/".join(segments[position:])}
        if part.startswith("{"):
            parameters[part[1:-1]] = segments[position]
        elif part != segments[position]:
            return None
    return parameters if len(template) == len(segments) else None
