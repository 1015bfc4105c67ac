"""An HttpClient that answers what the test says and remembers what it was asked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from throughline.ports import HttpResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it would have gone out."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    hosts: Sequence[str] = ()
    max_bytes: int | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl((self.body or b"").decode(), keep_blank_values=True)


class FakeHttp:
    """Gives out `answers` in turn; an exception among them is raised. Running out of them fails the test."""

    def __init__(self, *answers: HttpResponse | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[Asked] = []

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float = 8.0,
    ) -> HttpResponse:
        del timeout_s
        self.asked.append(Asked(method=method, url=url, headers=headers or {}, body=body))
        return self._next()

    def download(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        hosts: Sequence[str],
        max_bytes: int,
        timeout_s: float = 10.0,
    ) -> HttpResponse:
        del timeout_s
        self.asked.append(Asked(method="GET", url=url, headers=headers or {}, hosts=hosts, max_bytes=max_bytes))
        return self._next()

    def _next(self) -> HttpResponse:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def said(status: int, body: Any = None, **headers: str) -> HttpResponse:
    """Return an answer; `body` is text, bytes or anything JSON can say."""
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return HttpResponse(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=raw
    )
