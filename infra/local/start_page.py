"""The page at `/`: where everything is, and the desk, and commands to copy. Plain HTML; nothing on it runs."""

import json
import shlex
from collections.abc import Iterable, Sequence
from html import escape

from infra.local.centre import Account, Agent, Centre
from infra.local.page import render_page

PYTHON = ".venv/bin/python"
DEFAULT_URL = "http://127.0.0.1:8080"
ACCOUNT_HEADS = ("Account", "Address", "Queue", "Webhook")
AGENT_HEADS = ("Id", "Name", "Skills")


def render_start_page(centre: Centre, *, local_url: str, public_url: str, engine: str) -> str:
    """Return the page as HTML."""
    addresses = [
        ("The desk", _link(f"{local_url}/desk/")),
        ("A shop with the web chat", _link(f"{local_url}/shop/")),
        ("Webhooks", f"{public_url}/webhooks/&lt;channel&gt;/&lt;account&gt;"),
        ("Agents' WebSocket", escape(local_url.replace("http", "ws", 1) + "/socket")),
        ("REST", escape(f"{local_url}/agents, /queues, /threads/…, /conversations/…, /customers/…")),
        ("What providers were sent", _link(f"{local_url}/sandbox/sent")),
        ("Health", _link(f"{local_url}/health")),
        ("Keys of the tokens issued here", _link(f"{local_url}/local/jwks.json")),
    ]
    return render_page(
        "Throughline on this machine",
        "<h1>Throughline</h1>"
        f"<p class=lead>The contact centre on this machine. Engine: {escape(engine)}.</p>"
        "<h2>Try it</h2>"
        f"{_commands(centre, local_url)}"
        f"<h2>Addresses</h2>{_table((), addresses)}"
        f"<h2>Channel accounts</h2>{_table(ACCOUNT_HEADS, map(_account_row, centre.accounts))}"
        f"<h2>Agents</h2>{_table(AGENT_HEADS, map(_agent_row, centre.agents))}",
    )


def telegram_command(account: Account, url: str, text: str) -> str:
    """Return a curl line that posts a webhook with fresh ids, as Telegram would."""
    person = {"id": 70011, "first_name": "Mina", "is_bot": False, "language_code": "en"}
    update = {
        "update_id": "@",
        "message": {
            "message_id": "@",
            "date": "@",
            "from": person,
            "chat": {"id": 70011, "type": "private", "first_name": "Mina"},
            "text": text,
        },
    }
    body = shlex.quote(json.dumps(update)).replace('"@"', "'$(date +%s)'")
    secret = shlex.quote(f"X-Telegram-Bot-Api-Secret-Token: {account.secrets['webhook_secret']}")
    json_type = "-H 'Content-Type: application/json'"
    return f"curl -sS -i {json_type} -H {secret} \\\n  -d {body} \\\n  {url}{account.webhook_path}"


def _commands(centre: Centre, local_url: str) -> str:
    port = "" if local_url == DEFAULT_URL else f"PORT={local_url.rpartition(':')[2]} "
    python = f"{port}{PYTHON} -m infra.local"
    who = centre.agents[0].agent_id if centre.agents else "AGENT"
    telegram = [account for account in centre.accounts if account.channel == "telegram"]
    posts = [telegram_command(account, local_url, "Hello, my router is dead") for account in telegram[:1]]
    others = [account.channel for account in centre.accounts if account.channel not in {"telegram", "webchat"}]
    posts += [f"{python}.post {channel} 'Hello, my router is dead'" for channel in dict.fromkeys(others)]
    steps = [
        (f"Open the desk, sign in as one of the agents and become available: {local_url}/desk/", []),
        (f"Write in the chat of a shop, in another window: {local_url}/shop/", []),
        ("Or post a signed webhook, as a provider would", posts),
        ("Accept the offer and answer", []),
        ("Or be an agent in a terminal: type accept, and: say Good morning!", [f"{python}.agent {who}"]),
    ]
    items = (f"<li>{_linked(escape(what), local_url)}{_lines(lines)}" for what, lines in steps)
    return f"<ol>{''.join(items)}</ol>"


def _linked(text: str, local_url: str) -> str:
    for url in (f"{local_url}/desk/", f"{local_url}/shop/"):
        text = text.replace(escape(url), _link(url))
    return text


def _lines(lines: list[str]) -> str:
    return "".join(f"<pre>{escape(line)}</pre>" for line in lines)


def _account_row(account: Account) -> tuple[str, ...]:
    cells = (f"{account.channel}/{account.name}", account.address, account.queue, account.webhook_path)
    return tuple(escape(cell) for cell in cells)


def _agent_row(agent: Agent) -> tuple[str, ...]:
    skills = ", ".join(f"{name} {level}" for name, level in agent.skills.items())
    return escape(agent.agent_id), escape(agent.name), escape(skills)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "<tr>" + "".join(f"<th>{escape(text)}" for text in heads) if heads else ""
    body = "".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in rows)
    return f"<table>{head}{body}</table>"


def _link(url: str) -> str:
    return f"<a href='{escape(url)}'>{escape(url)}</a>"
