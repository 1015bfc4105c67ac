"""An operator and what did not get through, on a running stack: looked at, the cause mended, driven through again."""

import asyncio
import json
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.local.centre import DEMO_FILE
from infra.local.resources import local_session
from infra.local.stack_process import StackProcess
from infra.local.webhooks import Sender, text_webhook
from tests.journeys.desks import account, at_work, close, phone_customer, take, telegram_customer, write
from throughline.domain.encodings import InboundJob, encode_inbound
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import MessageReceived

if TYPE_CHECKING:
    from infra.local.client import StackClient

SECOND_BOT, THIRD_NUMBER = "second_bot", "100000000000003"
PATIENCE_S = 90


class Operator:
    """Somebody with the commands, on a stack of their own."""

    def __init__(self, process: StackProcess, folder: Path) -> None:
        self.stack: StackClient = process.client()
        address = next(line for line in process.log if "AWS engine" in line)
        self.engine = address.split()[-1]
        self.folder = folder

    def run(self, module: str, *arguments: str, ends_with: int = 0) -> str:
        """Run a command on the stage and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments, "--stage", "local", "--endpoint", self.engine],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == ends_with, done.stderr
        return done.stdout

    def wait_for_letter(self, shelf: str, said: str) -> str:
        """Return the line of the list that says so, as soon as there is one."""
        for _ in range(PATIENCE_S):
            lines = [line for line in self.run("infra.letters", "list", "--from", shelf).splitlines() if said in line]
            if lines:
                return lines[0]
            time.sleep(1)
        raise AssertionError(f"no letter says {said}")

    def apply(self, change: Callable[[str], str]) -> None:
        """Put the demo's configuration in force with a change in it."""
        file = self.folder / "centre.yaml"
        changed = change(DEMO_FILE.read_text())
        assert changed != DEMO_FILE.read_text()
        file.write_text(changed)
        self.run("infra.configure", "apply", str(file))

    def queue(self, event: MessageReceived, group: str) -> None:
        """Put an event into the inbound queue, as a function of another release might."""
        job = InboundJob(inbound=secrets.token_hex(8), arrival_ms=1_763_800_000_000, event=event)
        sqs = local_session().client("sqs", endpoint_url=self.engine)
        url = sqs.get_queue_url(QueueName="throughline-local-inbound.fifo")["QueueUrl"]
        sqs.send_message(
            QueueUrl=url,
            MessageBody=json.dumps(encode_inbound(job)),
            MessageGroupId=group,
            MessageDeduplicationId=job.inbound,
        )
        sqs.close()


def with_another(centre: str, known: str, name: str, address: str) -> str:
    """Return the configuration with one more account like a known one."""
    (like,) = re.findall(rf"^  {known}:\n(?:    .*\n)+", centre, re.MULTILINE)
    another = re.sub(r"address: \S+", f'address: "{address}"', like.replace(known, name, 1).replace("&", "&another_"))
    return centre.replace(like, like + another)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("operator")
    options = {"QUEUE_VISIBILITY_S": "1", "FUNCTIONS_LOG": "-"}
    with StackProcess(folder / "state", options) as process:
        yield Operator(process, folder)


def message(sender: Sender, text: str) -> MessageReceived:
    return MessageReceived(
        channel="telegram",
        account=f"telegram/{SECOND_BOT}",
        provider_id=secrets.token_hex(4),
        senders=(Identifier(kind="telegram", value=sender.number),),
        text=text,
        name=sender.name,
    )


def test_a_dead_letter_tells_its_reason_and_gets_through_once_the_cause_is_mended(operator: Operator) -> None:
    async def others_are_served() -> None:
        async with at_work(operator.stack, "ana") as (ana,):
            await write(operator.stack, "telegram", telegram_customer(), "And me?")
            await close(ana, await take(ana, "And me?"))

    async def is_served() -> None:
        async with at_work(operator.stack, "ana") as (ana,):
            await close(ana, await take(ana, "Is anybody there?"))

    customer = telegram_customer()
    operator.queue(message(customer, "Is anybody there?"), group=f"h-{customer.number}")
    asyncio.run(others_are_served())
    line = operator.wait_for_letter("inbound", f"no channel account telegram/{SECOND_BOT} is configured")
    assert "Is anybody there?" not in operator.run("infra.letters", "show", line.split()[0])
    operator.apply(lambda centre: with_another(centre, "telegram/demo", "telegram/second", SECOND_BOT))
    assert "sent back to inbound" in operator.run("infra.letters", "redrive", line.split()[0])
    asyncio.run(is_served())
    assert operator.run("infra.letters", "list") == "nothing is here\n"


def test_a_kept_webhook_gets_through_once_its_account_is_configured(operator: Operator) -> None:
    async def writes() -> None:
        third = replace(account("whatsapp"), address=THIRD_NUMBER)
        webhook = text_webhook(third, phone_customer(), "Which number is this?")
        answer = await asyncio.to_thread(operator.stack.post_webhook, account("whatsapp"), webhook)
        assert answer.status == 200

    async def is_served() -> None:
        async with at_work(operator.stack, "ana") as (ana,):
            await close(ana, await take(ana, "Which number is this?"))

    asyncio.run(writes())
    line = operator.wait_for_letter("kept", "unknown_account")
    assert operator.run("infra.letters", "redrive", "--all", "--from", "kept", ends_with=1).endswith("1 tried\n")
    assert line.split()[0] in operator.run("infra.letters", "list")
    operator.apply(lambda centre: with_another(centre, "whatsapp/demo", "whatsapp/third", THIRD_NUMBER))
    assert operator.run("infra.letters", "redrive", line.split()[0]).endswith("1 queued\n")
    asyncio.run(is_served())
    assert operator.run("infra.letters", "list") == "nothing is here\n"
