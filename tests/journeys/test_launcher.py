"""Starting, stopping and using the stack as people do: the page, its commands, and what goes wrong."""

import asyncio
import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.local.client import StackClient
from infra.local.stack_process import StackProcess
from tests.journeys.desks import CENTRE, at_work

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 120


REAL = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "123456789012", "AWS_SECRET_ACCESS_KEY": "of a real account"}


def _run(*arguments: str, typed: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers/core/python'}"} | environment,
        input=typed,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def _port(stack: StackClient) -> str:
    return stack.url.rpartition(":")[2]


def _page(stack: StackClient) -> str:
    return html.unescape(stack.request("GET", "/").body.decode())


def test_the_start_page_shows_addresses_accounts_agents_and_commands(stack: StackClient) -> None:
    page = _page(stack)
    expected = [
        stack.url.replace("http", "ws", 1) + "/socket",
        f"{stack.url}/sandbox/sent",
        f"{stack.url}/shop/",
        *(account.webhook_path for account in CENTRE.accounts),
        *(agent.name for agent in CENTRE.agents),
        "-m infra.local.agent ana",
        "-m infra.local.post twilio_sms",
        "accept",
    ]
    assert [] == [what for what in expected if what not in page]
    assert "<script" not in page


def test_the_curl_line_on_the_page_posts_a_webhook_that_is_believed(stack: StackClient) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed here")
    line = next(block for block in re.findall(r"<pre>(.*?)</pre>", _page(stack), re.DOTALL) if block.startswith("curl"))
    posted = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert posted.returncode == 0, posted.stderr
    assert " 200 OK" in posted.stdout.splitlines()[0]


@pytest.mark.parametrize("channel", ["telegram", "twilio_sms", "whatsapp/sales"])
def test_a_customer_writes_from_the_command_line(stack: StackClient, channel: str) -> None:
    posted = _run("infra.local.post", channel, "Hello", PORT=_port(stack))
    assert (0, "200") == (posted.returncode, posted.stdout[:3]), posted.stderr


def test_an_agent_works_from_the_command_line(tmp_path: Path) -> None:
    with StackProcess(tmp_path) as process:
        port = _port(process.client())
        agent = subprocess.Popen(
            [sys.executable, "-m", "infra.local.agent", "ana"],
            cwd=ROOT,
            env=os.environ | {"PORT": port, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert agent.stdin is not None
        assert agent.stdout is not None
        with agent, agent.stdin, agent.stdout:

            def wait_for(words: str) -> None:
                assert agent.stdout is not None
                assert any(words in line for line in agent.stdout), f"{words} never came"

            def type_in(line: str) -> None:
                assert agent.stdin is not None
                agent.stdin.write(line + "\n")
                agent.stdin.flush()

            wait_for('"presence": "available"')
            assert _run("infra.local.post", "whatsapp", "Anybody there?", PORT=port).returncode == 0
            wait_for('"event": "offer"')
            type_in("accept")
            type_in("say Good morning!")
            wait_for('"status": "read"')
            type_in("close solved")
            wait_for('"disposition": "solved"')
            type_in("quit")
            assert agent.wait(TIMEOUT_S) == 0
        texts = [item["message"]["text"] for item in process.client().sent("whatsapp")]
        assert texts == ["Good morning!"]


def test_an_agent_who_is_not_in_the_configuration_is_told_so_and_does_not_try_again(stack: StackClient) -> None:
    ended = _run("infra.local.agent", "nobody", PORT=_port(stack))
    assert (1, 1) == (ended.returncode, len(ended.stderr.splitlines()))
    assert ended.stderr.startswith("error: nobody was refused with 403: ")


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (("infra.local",), {"PORT": "many"}, "PORT is 'many'"),
        (("infra.local",), {"ENGINE": "steam"}, "set it to ministack"),
        (("infra.local",), {"CONFIG": "/nowhere.yaml"}, "no such file"),
        (("infra.local",), {"STATE_DIR": "/dev/null/state"}, "STATE_DIR /dev/null/state cannot be written"),
        (("infra.local",), {"FUNCTIONS_LOG": "/dev/null/log"}, "FUNCTIONS_LOG /dev/null/log cannot be written"),
        (("infra.local",), {"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is 'LOUD'"),
        (("infra.local.post", "telegram", "x"), {"PORT": "1"}, "make run"),
        (("infra.local.post", "pigeon", "x"), {}, "there is no channel account pigeon"),
        (("infra.local.agent", "ana"), {"PORT": "1"}, "make run"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], environment: Mapping[str, str], words: str
) -> None:
    ended = _run(*arguments, **{"STATE_DIR": str(tmp_path), **environment})
    assert ended.returncode == 1
    assert words in ended.stderr
    assert 1 == len(ended.stderr.splitlines())


def test_a_port_in_use_is_told_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = _run("infra.local", PORT=str(port), STATE_DIR=str(tmp_path))
    assert (1, f"error: port {port} is in use") == (
        ended.returncode,
        ended.stderr[: len(f"error: port {port} is in use")],
    )
    assert f"PORT={port + 1} make run" in ended.stderr
    assert 1 == len(ended.stderr.splitlines())


def test_two_stacks_do_not_share_a_state_directory(tmp_path: Path) -> None:
    with StackProcess(tmp_path) as first:
        first.client()
        ended = _run("infra.local", PORT="0", STATE_DIR=str(tmp_path))
    assert ended.returncode == 1
    assert "another stack uses STATE_DIR" in ended.stderr
    assert 1 == len(ended.stderr.splitlines())


def test_a_file_with_mistakes_is_told_line_by_line(tmp_path: Path) -> None:
    broken = tmp_path / "centre.yaml"
    broken.write_text(
        "queues:\n  support: {}\nchannel_accounts:\n  pigeon/one:\n    address: loft\n    queue: nowhere\n"
    )
    ended = _run("infra.local", PORT="0", STATE_DIR=str(tmp_path / "state"), CONFIG=str(broken))
    assert ended.returncode == 1
    assert f"{broken}:4" in ended.stderr
    assert f"{broken}:6" in ended.stderr


def test_what_an_operator_applied_stays_in_force_over_a_restart(tmp_path: Path) -> None:
    changed = tmp_path / "centre.yaml"
    demo = (ROOT / "infra/local/demo.yaml").read_text()
    changed.write_text(demo.replace("name: Ana", "name: Anastasia"))
    with StackProcess(tmp_path / "state") as first:
        engine = json.loads(first.client().request("GET", "/health").body)["engine_url"]
        applied = _run(
            "infra.configure", "apply", str(changed), "--stage", "local", "--endpoint", engine, "--by", "eve", **REAL
        )
        assert applied.returncode == 0, applied.stderr
        shown = _run("infra.configure", "show", "--stage", "local", "--endpoint", engine)
        assert f"{first.client().url}/local/jwks.json" in shown.stdout
        assert first.stop() == 0
    with StackProcess(tmp_path / "state") as second:
        stack = second.client()
        engine = json.loads(stack.request("GET", "/health").body)["engine_url"]
        shown = _run("infra.configure", "show", "--stage", "local", "--endpoint", engine)
        assert "Anastasia" in shown.stdout
        assert f"{stack.url}/local/jwks.json" in shown.stdout


def test_it_stops_cleanly_while_agents_are_connected(tmp_path: Path) -> None:
    async def work(process: StackProcess) -> int:
        async with at_work(process.client(), "ana") as (ana,):
            code = await asyncio.to_thread(process.stop)
            await ana.changed(10_000)
            return code

    with StackProcess(tmp_path, {"FUNCTIONS_LOG": "-"}) as process:
        assert asyncio.run(work(process)) == 0
    assert [] == [line for line in process.log if "Traceback" in line or "ERROR" in line]


def test_a_request_is_at_most_one_line_and_the_functions_have_a_log_of_their_own(tmp_path: Path) -> None:
    with StackProcess(tmp_path) as process:
        stack = process.client()
        banner = len(process.log)
        for token in ("one", "two"):
            stack.request("GET", f"/agents?token={token}", headers={"Authorization": f"Bearer {token}"})
        stack.request("POST", "/sandbox/telegram/bot42:secret/sendMessage", {"chat_id": 1, "text": "words"})
        process.stop()
    lines = [line.split(" ", 1)[1].rsplit(" ", 2)[0] for line in process.log[banner:]]
    assert ["GET /agents 401", "GET /agents 401", "POST /sandbox/telegram/bot***/sendMessage 401"] == lines
    assert "unauthenticated" in (tmp_path / "functions.log").read_text()
