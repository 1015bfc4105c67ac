"""The deployment that is attacked: a stack of our own, or any other by its addresses. docs/provider-chaos.md."""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from infra.local.agent_client import AgentClient
from infra.local.centre import DEMO_FILE, Account, Centre, read_centre
from infra.local.client import Answer, StackClient
from infra.local.stack_process import StackProcess
from infra.local.webhooks import Webhook
from tests.chaos.tally import Tally

CAPACITY = 50  # the most that a file may say
FORGETS_AFTER_S = 3  # what our own stack's queues deduplicate for
QUEUES_FORGET_S = 310  # what everybody else's do, and a little more
MAX_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where it is, who works there, and what has been counted.

    `plays_providers` says whether the send APIs are ours to misbehave, `forgets_after_s` after how long the queues take
    what comes again for new: None if nobody is to wait so long.
    """

    client: StackClient
    centre: Centre
    socket_url: str
    token: Callable[[str], str]
    agents: Sequence[str]
    plays_providers: bool
    forgets_after_s: float | None
    at_once: int
    logs: Callable[[], str] = str
    tally: Tally = field(default_factory=Tally)

    async def sign_in(self, agent: str) -> AgentClient:
        """Return an agent's open socket."""
        return await AgentClient.open_socket(self.socket_url, agent, self.token(agent))

    def post(
        self, account: Account, webhook: Webhook, headers: Mapping[str, str] | None = None, *, query: str = ""
    ) -> Answer:
        """Post a webhook as its provider would, or with other `headers`."""
        self.tally.points += 1
        return self.client.post_webhook(account, webhook, headers, query=query)

    def broke(self, sentence: str) -> None:
        """Note what must not be; of very many the first tell enough."""
        if len(self.tally.broken) < MAX_SHOWN:
            self.tally.broken.append(f"providers: {sentence}")


@contextmanager
def attacked_site(environ: Mapping[str, str], *, short: bool) -> Iterator[Site]:
    """Yield what CHAOS_URL names, or a stack of our own that ends with the block."""
    url = environ.get("CHAOS_URL", "").rstrip("/")
    if url:
        yield _site_at(url, environ, short=short)
        return
    with tempfile.TemporaryDirectory(prefix="provider-chaos-") as folder:
        centre_file, log = Path(folder, "centre.yaml"), Path(folder, "functions.log")
        centre_file.write_text(_roomy(DEMO_FILE.read_text(encoding="utf-8")), encoding="utf-8")
        options = {
            "CONFIG": str(centre_file),
            "ENGINE_DEDUPLICATION_S": str(FORGETS_AFTER_S),
            "FUNCTIONS_LOG": str(log),
            "LOCAL_LOG_LEVEL": "ERROR",
            "RECEIPTS_PACE_MS": "50",
        }
        with StackProcess(Path(folder, "state"), options) as process:
            client = process.client()
            centre = read_centre(centre_file)
            yield Site(
                client=client,
                centre=centre,
                socket_url=_socket_of(client.url),
                token=client.token,
                agents=[agent.agent_id for agent in centre.agents],
                plays_providers=True,
                forgets_after_s=FORGETS_AFTER_S + 0.5,
                at_once=24,
                logs=lambda: "\n".join([*process.log, log.read_text(encoding="utf-8")]),
            )


def _roomy(demo: str) -> str:
    """Return the demo with agents who have every skill, and room for all that is attacked at once."""
    centre: dict[str, Any] = yaml.safe_load(demo)
    able = {"skills": dict.fromkeys(centre["skills"], 5), "capacity": {"chat": CAPACITY}}
    centre["agents"] = {name: agent | able for name, agent in centre["agents"].items()}
    return yaml.safe_dump(centre, sort_keys=False, allow_unicode=True)


def _site_at(url: str, environ: Mapping[str, str], *, short: bool) -> Site:
    centre = read_centre(Path(environ.get("CONFIG") or DEMO_FILE))
    client = StackClient(url, environ.get("CHAOS_PUBLIC_URL") or url)
    given = environ.get("CHAOS_TOKENS")
    tokens: Mapping[str, str] = json.loads(Path(given).read_text(encoding="utf-8")) if given else {}
    forget_s = environ.get("CHAOS_FORGET_S") or ("" if short else str(QUEUES_FORGET_S))
    return Site(
        client=client,
        centre=centre,
        socket_url=environ.get("CHAOS_SOCKET_URL") or _socket_of(url),
        token=tokens.__getitem__ if tokens else client.token,
        agents=list(tokens) or [agent.agent_id for agent in centre.agents],
        plays_providers=False,
        forgets_after_s=float(forget_s) if forget_s else None,
        at_once=int(environ.get("CHAOS_AT_ONCE") or 4),
    )


def _socket_of(url: str) -> str:
    return url.replace("http", "ws", 1) + "/socket"
