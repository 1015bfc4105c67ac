"""AWS in memory, one call at a time, with the tables, queues and the bucket of the template."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws

from infra.local import moto_lock
from infra.local.template_values import Place, Template
from throughline.aws.clients import Clients
from throughline.store._table import Table, connect

REGION = "eu-west-1"
STAGE = "test"
BUCKET = "throughline-test-blobs"
SOCKETS_ENDPOINT = f"https://sockets.execute-api.{REGION}.amazonaws.com/api"
_RESOURCES = Path(__file__).parents[1] / "infra" / "resources.json"
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    "AWS_ENDPOINT_URL": "",
}
_TABLE = ("TableName", "KeySchema", "AttributeDefinitions", "BillingMode")
_QUEUE = ("QueueName", "FifoQueue", "VisibilityTimeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """An account in which one stage was just deployed."""

    clients: Clients

    def queue_url(self, name: str) -> str:
        """Return the URL of a queue, e.g. ``inbound.fifo``."""
        return self.clients.sqs.get_queue_url(QueueName=f"throughline-{STAGE}-{name}")["QueueUrl"]

    def bodies(self, queue: str) -> list[Any]:
        """Return what can be received from a queue now, decoded."""
        answer = self.clients.sqs.receive_message(QueueUrl=self.queue_url(queue), MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def table(self, name: str) -> Table:
        """Return a table, e.g. ``settings``."""
        return Table(connect(), f"throughline-{STAGE}-{name}")


@contextmanager
def cloud() -> Iterator[Cloud]:
    """Yield an account of its own."""
    moto_lock.install()
    with patch.dict(os.environ, _ENVIRONMENT), mock_aws():
        _deploy()
        yield Cloud(clients=_clients())


@cache
def _clients() -> Clients:
    return Clients(region=REGION, sockets_endpoint=SOCKETS_ENDPOINT)


@cache
def _boto3() -> boto3.Session:
    return boto3.Session(region_name=REGION)


def _deploy() -> None:
    place = Place(account="123456789012", region=REGION, endpoint_url="", stage=STAGE)
    declared = json.loads(_RESOURCES.read_text(encoding="utf-8"))["Resources"]
    template = Template({"Resources": {name: item for name, item in declared.items() if "Type" in item}}, place)
    dynamodb = _boto3().client("dynamodb")
    for _, properties in template.resources("AWS::DynamoDB::Table", _TABLE):
        dynamodb.create_table(**properties)
    for _, properties in template.resources("AWS::SQS::Queue", _QUEUE):
        attributes: Any = {key: str(value).lower() for key, value in properties.items() if key != "QueueName"}
        _clients().sqs.create_queue(QueueName=properties["QueueName"], Attributes=attributes)
    location: Any = {"LocationConstraint": REGION}
    _clients().s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)
