"""Queues, blobs, secrets and the operator's command on the engine of the local stack."""

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from infra.configure import main
from infra.local.engine import EngineKind, start_engine
from infra.local.resources import create_resources
from throughline.aws.blobs import S3Blobs
from throughline.aws.clients import Clients
from throughline.aws.queues import SqsJobs, read_body
from throughline.aws.secrets import SsmSecrets
from throughline.domain.errors import NotFoundError
from throughline.domain.identifiers import AgentId
from throughline.store._table import Table, connect
from throughline.store.settings import DynamoSettings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["ministack", "moto"])
def environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    kind: EngineKind = request.param
    declared: dict[str, Any] = json.loads((ROOT / "infra" / "resources.json").read_text(encoding="utf-8"))
    declared["Resources"] = {name: item for name, item in declared["Resources"].items() if "Type" in item}
    with start_engine(kind, None) as engine:
        variables = create_resources(engine.endpoint_url, declared, "local")
        with patch.dict(os.environ, variables):
            yield variables


@pytest.fixture
def clients(environment: dict[str, str]) -> Clients:
    return Clients(region=environment["AWS_REGION"], endpoint_url=environment["AWS_ENDPOINT_URL"])


@pytest.fixture
def blobs(environment: dict[str, str], clients: Clients) -> S3Blobs:
    return S3Blobs(clients, environment["BLOBS_BUCKET"])


def test_anybody_can_read_a_blob_by_its_link(blobs: S3Blobs) -> None:
    blobs.put("media/a b/ü", b"\x00\xff", "image/png")
    link = blobs.link("media/a b/ü", seconds=60, name="Größe.png")
    with urllib.request.urlopen(link, timeout=10) as answer:  # noqa: S310 - a link to this machine
        assert answer.read() == b"\x00\xff"
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe.png"


def test_a_miss_is_a_miss(blobs: S3Blobs) -> None:
    with pytest.raises(NotFoundError):
        blobs.get("media/none")


@pytest.mark.parametrize("queue", ["INBOUND_QUEUE_URL", "MEDIA_QUEUE_URL"])
def test_jobs_large_and_small_come_out_as_they_were_put(
    environment: dict[str, str], clients: Clients, blobs: S3Blobs, queue: str
) -> None:
    jobs = SqsJobs(clients, environment[queue], blobs)
    jobs.put_all([({"n": 1, "raw": "x" * 300_000}, "telegram:1", "a"), ({"n": 2}, "telegram:1", "b")])
    answer = clients.sqs.receive_message(QueueUrl=environment[queue], MaxNumberOfMessages=10)
    assert [read_body(message["Body"], blobs)["n"] for message in answer["Messages"]] == [1, 2]
    jobs.postpone(answer["Messages"][0]["ReceiptHandle"], delay_s=30)


def test_the_demo_is_applied_with_its_secrets_by_one_command(
    environment: dict[str, str], clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    demo = ROOT / "infra" / "local" / "demo.yaml"
    where = ["--stage", "local", "--endpoint", environment["AWS_ENDPOINT_URL"]]
    assert main(["apply", str(demo), *where]) == 0
    assert "has no value yet" not in capsys.readouterr().out
    assert main(["apply", str(demo), *where]) == 0
    assert "nothing changed; version 1 is in force" in capsys.readouterr().out
    settings = DynamoSettings(Table(connect(), environment["SETTINGS_TABLE"]), clock=lambda: 0)
    assert settings.find_agent_profile(AgentId("ana")) is not None
    secrets = SsmSecrets(clients, environment["SECRETS_PREFIX"], clock=lambda: 0)
    account = settings.find_account("telegram", "demo")
    assert account is not None
    assert secrets.get_secret(account.secrets["bot_token"][0]).endswith("for-the-sandbox")
