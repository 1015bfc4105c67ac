"""Each function has exactly the rights that its code can use: no more is granted, and no less."""

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from tests.contract.reach import ROOT, Place, routes_of, uses_from
from throughline.ports import World

Right = tuple[str, str]  # action, resource as JSON

ENTRIES: dict[str, list[Place]] = {
    "api_handler": [*routes_of("functions.webhooks"), *routes_of("functions.desk"), *routes_of("functions.webchat")],
    "websocket_connect": [("functions.agents", "connect")],
    "websocket_message": [("functions.agents", "message")],
    "websocket_disconnect": [("functions.agents", "disconnect")],
    "process_inbound": [("functions.inbound", "process_inbound")],
    "process_outbound": [("functions.outbound", "process_outbound")],
    "process_timers": [("functions.timers", "process_timers")],
    "process_media": [("functions.media", "process_media")],
    "release_due": [("functions.timers", "release_due")],
}
LOGICAL_IDS = {"api_handler": "APIHandler"}
OWN_QUEUES = {
    "process_inbound": "InboundQueue",
    "process_outbound": "OutboundQueue",
    "process_timers": "TimersQueue",
    "process_media": "MediaQueue",
}

# What stands behind the ports of World. Far timers are items, large jobs are blobs, a claim writes both its tables.
TABLES = {
    "threads": ["ThreadsTable"],
    "customers": ["CustomersTable"],
    "routing": ["RoutingTable"],
    "connections": ["RoutingTable"],
    "intake": ["RoutingTable"],
    "settings": ["SettingsTable"],
    "timers": ["RoutingTable"],
}
QUEUES = {"inbound": "InboundQueue", "outbound": "OutboundQueue", "media": "MediaQueue", "timers": "TimersQueue"}
RIGHTLESS = {"telemetry", "channels", "http", "clock", "draw", "public_url"}
ALL_PORTS = {*TABLES, *QUEUES, "blobs", "secrets", "sockets"}
CLAIMS = {"claim", "swap", "take_over"}

READING = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
WRITING = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
CONSUMING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def test_every_port_of_the_world_is_known_here() -> None:
    assert {port.name for port in fields(World)} == ALL_PORTS | RIGHTLESS


def test_there_is_a_policy_for_each_function_and_for_nothing_else() -> None:
    assert sorted(path.stem for path in (ROOT / "infra/policies").glob("*.json")) == sorted(ENTRIES)


@pytest.mark.parametrize("function", ENTRIES)
def test_a_function_may_do_what_its_code_does_and_nothing_else(function: str) -> None:
    assert sorted(granted(function)) == sorted(set(needed(function)))


@pytest.mark.parametrize("function", ENTRIES)
def test_no_right_is_granted_for_everything(function: str) -> None:
    assert not [right for right in granted(function) if right[0].endswith("*") or right[1] == '"*"']


@pytest.mark.parametrize("function", ENTRIES)
def test_secrets_of_other_stages_are_out_of_reach(function: str) -> None:
    parameters = {resource for action, resource in granted(function) if action.startswith("ssm:")}
    assert parameters <= {_arn("ssm", "parameter/throughline/${Stage}/*")}


def test_a_right_that_the_code_no_longer_uses_is_noticed() -> None:
    assert ("dynamodb:PutItem", _of("ThreadsTable")) not in set(needed("websocket_connect"))


def granted(function: str) -> set[Right]:
    """Return each right that the function's policy grants."""
    policy = json.loads((ROOT / f"infra/policies/{function}.json").read_text())
    assert all(statement["Effect"] == "Allow" for statement in policy["Statement"])
    return {
        (action, json.dumps(resource))
        for statement in policy["Statement"]
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    }


def needed(function: str) -> Iterator[Right]:
    """Return each right that the function's code may need, as it is read from the code."""
    logical_id = LOGICAL_IDS.get(function) or "".join(word.capitalize() for word in function.split("_"))
    log_group = _arn("logs", f"log-group:/aws/lambda/${{AWS::StackName}}-{logical_id}-*")
    yield from ((action, log_group) for action in ("logs:CreateLogStream", "logs:PutLogEvents"))
    if queue := OWN_QUEUES.get(function):
        yield from ((action, _of(queue)) for action in CONSUMING)
    for port, method in uses_from(*ENTRIES[function]):
        yield from _needed_for(port, method)


def _needed_for(port: str, method: str) -> Iterator[Right]:
    for table in [*TABLES.get(port, []), *(["ThreadsTable"] if method in CLAIMS else [])]:
        actions = READING if method.startswith(("find_", "get_", "list_")) else READING + WRITING
        yield from ((action, _of(table)) for action in actions)
    if port in QUEUES:
        yield "sqs:ChangeMessageVisibility" if method == "postpone" else "sqs:SendMessage", _of(QUEUES[port])
    if port in QUEUES and port != "timers" and method != "postpone":
        yield "s3:PutObject", _objects()
    if port == "blobs":
        yield from _needed_for_blobs(method)
    if port == "secrets":
        yield "ssm:GetParameter", _arn("ssm", "parameter/throughline/${Stage}/*")
    if port == "sockets":
        yield "execute-api:ManageConnections", _arn("execute-api", "${WebsocketAPI}/api/POST/@connections/*")


def _needed_for_blobs(method: str) -> Iterator[Right]:
    if method in {"get", "link", "*"}:
        yield "s3:GetObject", _objects()
        yield "s3:ListBucket", _of("BlobsBucket")  # without it S3 answers a miss with 403
    if method in {"put", "upload_form", "*"}:
        yield "s3:PutObject", _objects()


def _of(resource: str) -> str:
    return json.dumps({"Fn::GetAtt": [resource, "Arn"]})


def _objects() -> str:
    return json.dumps({"Fn::Sub": "${BlobsBucket.Arn}/*"})


def _arn(service: str, rest: str) -> str:
    return json.dumps({"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{rest}"})


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
