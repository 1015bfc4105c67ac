"""Each function works from its archive and the layers alone, as it will in Lambda."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from infra.archives import files_below
from infra.layers import ROOT
from infra.local.engine import start_engine
from infra.local.options import STAGE as LOCAL_STAGE
from infra.local.resources import create_resources, local_session
from infra.local.seed import seed
from tests.contract.packages import core_layer, of_type, pins, resources, sam_template, unpacked_functions, workspace
from tests.contract.test_policies import granted
from tests.http_fixtures import SIGNATURE_HEADERS, load

RUNNER = Path(__file__).with_name("invoke_like_lambda.py")
RUNTIME_BRINGS = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
DEMO_SECRET = "a-header-secret-for-the-sandbox"

POLICIES = {"APIHandler": "api_handler"}
# The action that allows an operation, where it has another name. What a transaction holds is written item by item.
ACTIONS = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "apigatewaymanagementapi:PostToConnection": "execute-api:ManageConnections",
    "dynamodb:TransactWriteItems": "dynamodb:UpdateItem",
}

Json = dict[str, Any]


def http_event(method: str, resource: str, path: str, parameters: Json) -> Json:
    return {
        "httpMethod": method,
        "path": path,
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "multiValueQueryStringParameters": None,
        "pathParameters": parameters,
        "stageVariables": None,
        "body": "{}",
        "isBase64Encoded": False,
        "requestContext": {"httpMethod": method, "resourcePath": resource, "path": f"/api{path}", "stage": "api"},
    }


def webhook_event(method: str, channel: str, account: str = "nobody") -> Json:
    path, parameters = f"/webhooks/{channel}/{account}", {"channel": channel, "account": account}
    return http_event(method, "/webhooks/{channel}/{account}", path, parameters)


def socket_event(kind: str, body: str | None = None) -> Json:
    context = {
        "apiId": "a1b2c3",
        "stage": "api",
        "domainName": "a1b2c3.execute-api.eu-central-1.amazonaws.com",
        "connectionId": "Zm9yZ290dGVu=",
        "eventType": kind,
    }
    return {"requestContext": context, "headers": {}, "body": body, "isBase64Encoded": False}


def queue_event(queue: str, body: str) -> Json:
    record = {
        "messageId": MESSAGE_ID,
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1763800000000",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1763800000001",
            "MessageGroupId": "h-00112233445566778899",
        },
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:throughline-dev-{queue}",
        "awsRegion": "eu-central-1",
    }
    return {"Records": [record]}


MINUTE_EVENT: Json = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-22T10:00:00Z",
    "region": "eu-central-1",
    "resources": ["arn:aws:events:eu-central-1:123456789012:rule/release-due"],
    "detail": {},
}
UNREADABLE = "not JSON"
MESSAGE_ID = "059f36b4-87a3-44ab-83d2-661975830a7d"
NOTHING_FAILED: Json = {"batchItemFailures": []}
FAILED: Json = {"batchItemFailures": [{"itemIdentifier": MESSAGE_ID}]}

# What each function is called with, and its answer, or the status of it.
CALLS: dict[str, list[tuple[Json, Any]]] = {
    "APIHandler": [
        (webhook_event("POST", "carrier_pigeon"), HTTPStatus.NOT_FOUND),
        (webhook_event("GET", "telegram"), HTTPStatus.NOT_FOUND),
        (http_event("GET", "/agents", "/agents", {}), HTTPStatus.UNAUTHORIZED),
    ],
    "WebsocketConnect": [(socket_event("CONNECT"), HTTPStatus.UNAUTHORIZED)],
    "WebsocketMessage": [(socket_event("MESSAGE", '{"action":"ping","id":"1"}'), HTTPStatus.OK)],
    "WebsocketDisconnect": [(socket_event("DISCONNECT"), HTTPStatus.OK)],
    "ProcessInbound": [(queue_event("inbound.fifo", UNREADABLE), FAILED)],
    "ProcessOutbound": [(queue_event("outbound.fifo", UNREADABLE), FAILED)],
    "ProcessTimers": [(queue_event("timers", UNREADABLE), FAILED)],
    "ProcessMedia": [(queue_event("media", UNREADABLE), FAILED)],
    "ReleaseDue": [(MINUTE_EVENT, None)],
}


def test_every_deployed_function_is_called_here() -> None:
    assert set(of_type(sam_template(), "AWS::Serverless::Function")) == set(CALLS)


@pytest.mark.parametrize("function", CALLS)
def test_a_function_works_from_its_archive_and_layers_alone(function: str, environment: dict[str, str]) -> None:
    answers = called(function, [event for event, _ in CALLS[function]], environment)

    assert [told(answer) for answer in answers] == [expected for _, expected in CALLS[function]]


def test_a_webhook_gets_onto_the_thread_through_the_archive_and_the_layers_alone(environment: dict[str, str]) -> None:
    webhook = load("telegram", "text_arabic_emoji")
    event = webhook_event("POST", "telegram", "demo") | {"body": webhook.request.body.decode()}
    event["headers"] = {**webhook.request.headers, SIGNATURE_HEADERS["telegram"]: DEMO_SECRET}
    (answer,) = called("APIHandler", [event], environment)
    assert told(answer) == HTTPStatus.OK, answer

    aws = local_session()
    queued = aws.client("sqs", endpoint_url=environment["AWS_ENDPOINT_URL"]).receive_message(
        QueueUrl=environment["INBOUND_QUEUE_URL"]
    )
    job = queued["Messages"][0]["Body"]
    assert called("ProcessInbound", [queue_event("inbound.fifo", job)], environment) == [NOTHING_FAILED]

    found = aws.client("dynamodb", endpoint_url=environment["AWS_ENDPOINT_URL"]).scan(
        TableName=environment["THREADS_TABLE"]
    )
    assert [item["sk"]["S"].partition("#")[0] for item in found["Items"]].count("entry") == 1


def called(function: str, events: list[Json], environment: dict[str, str]) -> list[Any]:
    """Return what a deployed function answers to each event, after a look at what it asked of AWS."""
    handler = of_type(sam_template(), "AWS::Serverless::Function")[function]["Handler"]
    run = run_like_lambda({"handler": handler, "events": events}, environment)
    allowed = {action for action, _ in granted(POLICIES.get(function) or snake_case(function))}
    assert {ACTIONS.get(operation, operation) for operation in run["operations"]} <= allowed
    answers: list[Any] = run["answers"]
    return answers


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_every_module_of_our_layer_can_be_imported_in_lambda(environment: dict[str, str]) -> None:
    modules = [
        ".".join(path.relative_to(core_layer() / "python").with_suffix("").parts).removesuffix(".__init__")
        for path in files_below(core_layer() / "python")
        if path.suffix == ".py"
    ]
    asked = {"handler": "functions.timers.release_due", "events": [], "also": modules}
    origins = run_like_lambda(asked, environment)["origins"]

    assert len(modules) > 50
    assert not [file for file in origins if not file.startswith(tuple(lambda_folders()))]


def told(answer: Any) -> Any:
    """Return the status of an answer that has one."""
    return answer["statusCode"] if isinstance(answer, dict) and "statusCode" in answer else answer


def run_like_lambda(asked: Json, environment: dict[str, str]) -> Json:
    """Return what the function answered in a process that can import from `lambda_folders` only."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(RUNNER)],
        input=json.dumps({"folders": lambda_folders(), **asked}),
        env=environment,
        cwd=workspace(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: Json = json.loads(done.stdout)
    return answer


@cache
def lambda_folders() -> list[str]:
    """Return what Lambda imports from: the archive, the layers, and the packages of the runtime.

    The third-party layer is put together from this environment in the pinned versions, because the one that is
    deployed is for another processor.
    """
    layer, runtime = workspace() / "host/layer", workspace() / "host/runtime"
    for folder, names in ((layer, [*pins()]), (runtime, RUNTIME_BRINGS)):
        folder.mkdir(parents=True)
        for name in names:
            link_distribution(name, folder)
    return [str(folder) for folder in (unpacked_functions(), core_layer() / "python", layer, runtime)]


def link_distribution(name: str, folder: Path) -> None:
    """Make one installed package importable from `folder`."""
    files = distribution(name).files or []
    for top in {file.parts[0] for file in files if file.parts[0] != ".." and "__pycache__" not in file.parts[0]}:
        link = folder / top
        if not link.exists():
            link.symlink_to(Path(str(distribution(name).locate_file(top))))


class NobodyThere(BaseHTTPRequestHandler):
    """The management side of a WebSocket API whose sockets are all closed."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(HTTPStatus.GONE)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        pass


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """What the template gives the functions, on an engine in memory, with the demo's configuration."""
    gateway = ThreadingHTTPServer(("127.0.0.1", 0), NobodyThere)
    threading.Thread(target=gateway.serve_forever, daemon=True).start()
    with start_engine("moto", None) as engine:
        created = create_resources(engine.endpoint_url, resources(), LOCAL_STAGE) | {
            "PUBLIC_URL": "https://contact.example.com",
            "SOCKETS_ENDPOINT": f"http://127.0.0.1:{gateway.server_port}/api",
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        }
        with patch.dict(os.environ, created):
            seed(ROOT / "infra/local/demo.yaml", "http://127.0.0.1/jwks")
        given = sam_template()["Globals"]["Function"]["Environment"]["Variables"]
        yield {name: value for name, value in created.items() if name in given or name.startswith("AWS_")}
    gateway.shutdown()
    gateway.server_close()
