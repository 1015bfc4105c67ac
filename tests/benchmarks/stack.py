"""The real functions on the local engine, driven one step at a time, so that every request of a step can be counted."""

import io
import json
import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import boto3

from infra.local.centre import read_centre
from infra.local.events import queue_event
from tests.benchmarks.meter import Meter
from tests.posted import webhook_event

ROOT = Path(__file__).resolve().parents[2]
PUBLIC_URL = "https://bench.example.com"
STAGE = "local"


class Stack:
    """A contact centre with the demo's configuration. `meter` counts what the functions ask of AWS."""

    def __init__(self, environment: Mapping[str, str], meter: Meter) -> None:
        from app import app
        from functions import agents, inbound, outbound, timers

        self.meter = meter
        self.environment = environment
        self.centre = read_centre()
        self._app = app
        self._agents = agents
        self._workers = {
            "INBOUND_QUEUE_URL": inbound.process_inbound,
            "OUTBOUND_QUEUE_URL": outbound.process_outbound,
            "TIMERS_QUEUE_URL": timers.process_timers,
        }
        with meter.paused():
            self._sqs = boto3.client("sqs", endpoint_url=environment["AWS_ENDPOINT_URL"])
            self._dynamodb = boto3.client("dynamodb", endpoint_url=environment["AWS_ENDPOINT_URL"])

    def post(self, channel: str, body: bytes, content_type: str) -> int:
        """Post a signed webhook and return the status."""
        account = self.centre.account(channel)
        event = webhook_event(
            self._app, account, PUBLIC_URL, body, content_type, request_id=uuid.uuid4().hex, now_ms=_now_ms()
        )
        return int(self._app(event, None)["statusCode"])

    def drain(self, queue: str) -> int:
        """Hand every visible message of a queue to its function, as Lambda would; return how many there were."""
        url, count = self.environment[queue], 0
        while batch := self.receive(url):
            event = queue_event(batch, queue_arn=f"arn:aws:sqs:us-east-1:000000000000:{queue}", region="us-east-1")
            failed = self._workers[queue](event, None)["batchItemFailures"]
            if failed:
                raise RuntimeError(f"{queue}: {len(failed)} records failed")
            for message in batch:
                self.delete(url, message)
            count += len(batch)
        return count

    def receive(self, url: str) -> list[Any]:
        """Return the messages that are visible, uncounted: a poller is Lambda's, not ours."""
        with self.meter.paused():
            found = self._sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], WaitTimeSeconds=0
            )
        return list(found.get("Messages", []))

    def delete(self, url: str, message: Mapping[str, Any]) -> None:
        """Take a message off its queue."""
        self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def count_items(self) -> int:
        """Return how many items the tables of threads and routing hold."""
        tables = [self.environment["THREADS_TABLE"], self.environment["ROUTING_TABLE"]]
        return sum(self._dynamodb.scan(TableName=table, Select="COUNT")["Count"] for table in tables)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def telegram_message(sender: int, text: str, *, message_id: int | None = None, at_s: int | None = None) -> bytes:
    """Return an update as the Bot API posts it."""
    who = {"id": sender, "is_bot": False, "first_name": "Maya", "last_name": "Lestari", "language_code": "en"}
    message = {
        "message_id": message_id or uuid.uuid4().int % 10**9,
        "from": who,
        "chat": {"id": sender, "first_name": "Maya", "last_name": "Lestari", "type": "private"},
        "date": at_s or int(time.time()),
        "text": text,
    }
    return json.dumps({"update_id": uuid.uuid4().int % 10**9, "message": message}).encode()


def sms(sender: str, text: str, to: str) -> bytes:
    """Return a form as Programmable Messaging posts it."""
    sid = f"SM{uuid.uuid4().hex}"
    return urlencode(
        {
            "ToCountry": "US",
            "SmsMessageSid": sid,
            "NumMedia": "0",
            "SmsSid": sid,
            "SmsStatus": "received",
            "Body": text,
            "FromCountry": "US",
            "To": to,
            "NumSegments": "1",
            "MessageSid": sid,
            "AccountSid": "AC00000000000000000000000000000d01",
            "From": sender,
            "ApiVersion": "2010-04-01",
        }
    ).encode()


class _Provider(BaseHTTPRequestHandler):
    """A send API that takes everything."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = json.dumps({"ok": True, "result": {"message_id": time.time_ns() % 10**9}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def _provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def running_stack() -> Iterator[Stack]:
    """Start an engine, set the demo up, and yield a stack whose AWS requests are metered. The environment stays."""
    from infra.local.engine import start_engine
    from infra.local.resources import create_resources

    template = json.loads((ROOT / "infra/resources.json").read_text())
    with start_engine("ministack", None) as engine, _provider() as provider, patch.dict(os.environ):
        environment = create_resources(engine.endpoint_url, template, STAGE) | {
            "PUBLIC_URL": PUBLIC_URL,
            "SOCKETS_ENDPOINT": provider,
            "STAGE": STAGE,
            "PROVIDER_BASES": json.dumps({"https://api.telegram.org": provider}),
        }
        os.environ.update(environment)
        os.environ.setdefault("AWS_REGION", environment["AWS_DEFAULT_REGION"])
        meter = Meter(boto3.client("dynamodb", endpoint_url=engine.endpoint_url))
        _apply_demo()
        meter.attach()
        yield Stack(environment, meter)


def _apply_demo() -> None:
    from infra.configure import main

    with redirect_stdout(io.StringIO()):
        refused = main(["apply", str(ROOT / "infra/local/demo.yaml"), "--stage", STAGE])
    if refused:
        raise RuntimeError("the demo's configuration was refused")
