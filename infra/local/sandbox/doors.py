"""The providers' APIs under `/sandbox/…`, and what people and tests ask of the sandbox itself."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import urllib3
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from urllib3.exceptions import HTTPError

from infra.local.centre import Centre
from infra.local.guard import HOME, only_here
from infra.local.sandbox import twilio, whatsapp
from infra.local.sandbox.behaviour import BadBehaviourError, Behaviours, Break, Rule, read_rule, timestamp
from infra.local.sandbox.broken_answers import CutAnswer, ResetConnection
from infra.local.sandbox.calls import Call, Provider, Reply
from infra.local.sandbox.journal import Exchange, Fetched, Journal
from infra.local.sandbox.receipts import Receipts
from infra.local.sandbox.telegram import Telegram

PREFIX = "/sandbox"
PACE_S = 0.3

# Which of the providers' addresses leads to which door.
_BASES = {
    "https://api.telegram.org": "telegram",
    twilio.API: "twilio",
    twilio.MEDIA: "twilio-media",
    whatsapp.API: "whatsapp",
    whatsapp.MEDIA: "whatsapp-media",
}


def provider_bases(local_url: str) -> Mapping[str, str]:
    """Return where each address of a provider is played, for the functions' HTTP client."""
    return {base: f"{local_url}{PREFIX}/{door}" for base, door in _BASES.items()}


class Sandbox:
    """Telegram, Twilio and WhatsApp, as far as this project talks to them."""

    def __init__(
        self, centre: Centre, journal: Journal, *, public_url: str, local_url: str, pace_s: float = PACE_S
    ) -> None:
        self._journal = journal
        self._behaviours = Behaviours()
        self._receipts = Receipts(
            {account.channel: account for account in reversed(centre.accounts)},
            public_url=public_url,
            local_url=local_url,
            pace_s=pace_s,
        )
        self._http = urllib3.PoolManager(retries=False)
        meta = whatsapp.WhatsApp(centre.accounts, public_url, pace_s=pace_s)
        self._providers: Mapping[str, Provider] = {
            "telegram": Telegram(centre.accounts),
            "twilio": twilio.Twilio(centre.accounts, pace_s=pace_s),
            "whatsapp": meta,
        }
        self._files: Mapping[str, tuple[str, Callable[[Call], Reply]]] = {
            "twilio-media": ("twilio_sms", twilio.media),
            "whatsapp-media": (meta.channel, meta.media),
        }

    def routes(self) -> list[Route]:
        """Return everything under `/sandbox`."""
        return [
            Route(f"{PREFIX}/sent", only_here(self._show), methods=["GET"]),
            Route(f"{PREFIX}/sent", only_here(self._clear), methods=["DELETE"]),
            Route(f"{PREFIX}/behaviour", only_here(self._behave), methods=["POST"]),
            Route(f"{PREFIX}/behaviour", only_here(self._behave_again), methods=["DELETE"]),
            Route(f"{PREFIX}/{{door}}/{{path:path}}", only_here(self._serve), methods=["GET", "POST"]),
        ]

    def close(self) -> None:
        """Post no further receipts."""
        self._receipts.forget_all()

    async def _show(self, request: Request) -> Response:
        return JSONResponse({"sent": self._journal.list_records(request.query_params.get("channel"))})

    async def _clear(self, request: Request) -> Response:  # noqa: ARG002
        self._journal.clear()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _behave(self, request: Request) -> Response:
        try:
            channels = {provider.channel for provider in self._providers.values()}
            self._behaviours.add(read_rule(await request.json(), channels))
        except (BadBehaviourError, ValueError) as error:
            return JSONResponse({"error": "invalid_request", "message": str(error)}, status_code=HTTPStatus.BAD_REQUEST)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _behave_again(self, request: Request) -> Response:  # noqa: ARG002
        self._behaviours.clear()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _serve(self, request: Request) -> Response:
        door = request.path_params["door"]
        call = await _call(request, f"{PREFIX}/{door}")
        base = next((base for base, known in _BASES.items() if known == door), None)
        if base is None:
            return JSONResponse({"error": "not_found"}, status_code=HTTPStatus.NOT_FOUND)
        if door in self._files:
            channel, answer = self._files[door]
            reply = answer(call)
            self._journal.add(Exchange(channel=channel, base=base, call=call, reply=reply, at=timestamp()))
            return _response(reply)
        return await self._played(self._providers[door], base, call)

    async def _played(self, provider: Provider, base: str, call: Call) -> Response:
        rule = self._behaviours.take(provider.channel, call, sends=provider.sends(call))
        reply = _refused(provider, rule) if rule is not None else None
        reply, fetched = await self._with_file(provider, reply or provider.answer(call))
        self._journal.add(
            Exchange(channel=provider.channel, base=base, call=call, reply=reply, at=timestamp(), fetched=fetched)
        )
        for receipt in reply.receipts:
            self._receipts.promise(receipt)
        if rule is not None:
            await asyncio.sleep(rule.delay_s)
        return _response(reply, rule.breaks if rule is not None else None)

    async def _with_file(self, provider: Provider, reply: Reply) -> tuple[Reply, list[Fetched]]:
        """Fetch the files a message links to, as providers do before they take it. Only from this machine."""
        links = reply.message.links if reply.message is not None else ()
        fetched = [await asyncio.to_thread(self._fetch, link) for link in links if urlsplit(link).hostname in HOME]
        if all(file.status == HTTPStatus.OK for file in fetched):
            return reply, fetched
        return Reply(status=HTTPStatus.BAD_REQUEST, body=provider.failure(HTTPStatus.BAD_REQUEST)), fetched

    def _fetch(self, link: str) -> Fetched:
        try:
            answer = self._http.request("GET", link, redirect=False, timeout=10)
        except HTTPError:
            return Fetched(status=0, size_bytes=0)
        return Fetched(status=answer.status, size_bytes=len(answer.data))


async def _call(request: Request, prefix: str) -> Call:
    return Call(
        method=request.method,
        path=request.url.path.removeprefix(prefix),
        query=request.url.query,
        headers=dict(request.headers),
        body=await request.body(),
    )


def _refused(provider: Provider, rule: Rule) -> Reply | None:
    """Return what is answered without taking the message, or None where it is taken."""
    if rule.breaks is Break.RESET:
        return Reply(status=0, body=None)
    if rule.status is None:
        return None
    body = rule.body if rule.body is not None else provider.failure(rule.status)
    return Reply(status=rule.status, body=body, headers=rule.headers)


def _response(reply: Reply, breaks: Break | None = None) -> Response:
    content, headers = reply.body, dict(reply.headers)
    if breaks is Break.RESET:
        return ResetConnection()
    if breaks is Break.CUT:
        return CutAnswer(JSONResponse(content).body, status_code=reply.status, headers=headers)
    if isinstance(content, bytes):
        return Response(content, status_code=reply.status, headers=headers, media_type=reply.content_type)
    return JSONResponse(content, status_code=reply.status, headers=headers)
