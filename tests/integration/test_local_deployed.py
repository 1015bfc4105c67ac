"""The local stack runs what a deployment would run, read from the same places."""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest
from chalice.app import Blueprint, Chalice, CORSConfig, Rate, WebsocketAPI

from infra.local.deployed import NotDeployableError, read_deployment
from infra.local.events import schedule_event
from infra.local.invocation import Function, FunctionError, FunctionTimeoutError

PLACEHOLDER = "arn:aws:sqs:us-east-1:000000000000:jobs"
TEMPLATE = {
    "Resources": {
        "JobsQueue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "shop-${Stage}-jobs"}}},
        "ProcessJobs": {
            "Properties": {
                "Events": {
                    "ProcessJobsSqsEventSource": {
                        "Properties": {
                            "Queue": {"Fn::GetAtt": ["JobsQueue", "Arn"]},
                            "FunctionResponseTypes": ["ReportBatchItemFailures"],
                        }
                    }
                }
            }
        },
    }
}
CONFIG = {"lambda_timeout": 15, "lambda_functions": {"api_handler": {"lambda_timeout": 29}}}


def _app(module: ModuleType, schedule: Any = "rate(2 minutes)") -> Chalice:
    """Return an app whose handlers live in a blueprint of `module`, as ours do."""
    part = Blueprint(module.__name__)
    part.websocket_api = WebsocketAPI()

    def connect(event: Any) -> Any:
        return {"statusCode": 200, "connection": event.connection_id}

    def message(event: Any) -> None:
        del event

    def disconnect(event: Any) -> None:
        del event

    def process_jobs(event: Any) -> Any:
        return {"bodies": [record.body for record in event]}

    def process_plain(event: Any) -> None:
        del event

    def tick(event: Any) -> Any:
        return event.to_dict()["source"]

    def show(name: str) -> Any:
        return {"name": name, "method": part.current_request.method}

    registered = {
        "connect": part.on_ws_connect()(connect),
        "message": part.on_ws_message()(message),
        "disconnect": part.on_ws_disconnect()(disconnect),
        "process_jobs": part.on_sqs_message(queue_arn=PLACEHOLDER, batch_size=7)(process_jobs),
        "process_plain": part.on_sqs_message(queue="plain", batch_size=1)(process_plain),
        "tick": part.schedule(schedule)(tick),
        "show": part.route("/things/{name}", methods=["GET"], cors=CORSConfig(allow_origin="https://desk"))(show),
    }
    vars(module).update(registered)
    app = Chalice(app_name="shop")
    app.experimental_feature_flags.update(["WEBSOCKETS"])
    app.register_blueprint(part)
    return app


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("shop_functions")
    monkeypatch.setitem(sys.modules, "shop_functions", made)
    return made


def test_triggers_names_and_time_outs_are_those_of_the_deployment(module: ModuleType) -> None:
    with ThreadPoolExecutor(1) as pool:
        found = read_deployment(_app(module), pool, CONFIG, TEMPLATE, "local")
    queues = [(q.function.name, q.queue_name, q.batch_size, q.reports_failures) for q in found.queues]
    assert [("process_jobs", "shop-local-jobs", 7, True), ("process_plain", "plain", 1, False)] == queues
    assert [("tick", 120.0)] == [(schedule.function.name, schedule.every_s) for schedule in found.schedules]
    assert {"/things/{name}": frozenset({"GET"})} == found.routes
    assert (29.0, 15.0) == (found.http.timeout_s, found.sockets.connect.timeout_s)
    preflight = found.preflight["/things/{name}"]
    assert ("https://desk", "GET,OPTIONS") == (
        preflight["Access-Control-Allow-Origin"],
        preflight["Access-Control-Allow-Methods"],
    )


def test_handlers_are_called_with_raw_events_as_lambda_calls_them(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with ThreadPoolExecutor(1) as pool:
        found = read_deployment(_app(module), pool, {}, TEMPLATE, "local")
        context = {"apiId": "local", "stage": "socket", "connectionId": "c=", "domainName": "here"}
        connected = found.sockets.connect.call({"requestContext": context, "body": None})
        ticked = found.schedules[0].function.call(schedule_event("tick", event_id="e", region="here", now_ms=0))
        worked = found.queues[0].function.call({"Records": [{"body": "one", "receiptHandle": "r"}]})
    assert {"statusCode": 200, "connection": "c="} == connected
    assert "aws.events" == ticked
    assert {"bodies": ["one"]} == worked


def test_requests_at_the_same_time_do_not_see_one_another(module: ModuleType) -> None:
    app, together = _app(module), threading.Barrier(2, timeout=30)

    def slow(name: str) -> Any:
        together.wait()
        request: Any = app.current_request
        return {"name": name, "seen": request.uri_params["name"]}

    app.route("/slow/{name}", methods=["GET"])(slow)
    with ThreadPoolExecutor(2) as pool:
        found = read_deployment(app, pool, {}, TEMPLATE, "local")
        answers = [pool.submit(found.http.handler, _request(name), None) for name in ("one", "two")]
        bodies = [json.loads(answer.result()["body"]) for answer in answers]
    assert [{"name": "one", "seen": "one"}, {"name": "two", "seen": "two"}] == bodies


def _request(name: str) -> Any:
    return {
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": {"name": name},
        "requestContext": {"resourcePath": "/slow/{name}", "httpMethod": "GET", "identity": {}},
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("schedule", "every_s"), [(Rate(1, Rate.MINUTES), 60.0), ("rate(3 hours)", 10_800.0), ("rate(1 day)", 86_400.0)]
)
def test_rates_are_understood(module: ModuleType, schedule: Any, every_s: float) -> None:
    with ThreadPoolExecutor(1) as pool:
        found = read_deployment(_app(module, schedule), pool, {}, TEMPLATE, "local")
    assert [every_s] == [schedule.every_s for schedule in found.schedules]


def test_what_cannot_be_played_is_said(module: ModuleType) -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(NotDeployableError, match="cron"):
        read_deployment(_app(module, "cron(0 8 * * ? *)"), pool, {}, TEMPLATE, "local")


@pytest.mark.parametrize("answer", [{1, 2}, b"bytes", object()])
def test_an_answer_that_is_no_json_is_an_error_as_in_lambda(answer: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        function = Function(name="f", handler=lambda _event, _context: answer, timeout_s=10, pool=pool)
        with pytest.raises(FunctionError):
            function.call({})


def test_the_context_counts_down_and_a_call_that_overstays_is_given_up() -> None:
    release = threading.Event()

    def overstay(_event: Any, context: Any) -> Any:
        left_ms = context.get_remaining_time_in_millis()
        release.wait(30)
        return left_ms

    with ThreadPoolExecutor(2) as pool:
        with pytest.raises(FunctionTimeoutError):
            Function(name="f", handler=overstay, timeout_s=0.1, pool=pool).call({})
        release.set()
        assert 0 < Function(name="f", handler=overstay, timeout_s=10, pool=pool).call({}) <= 10_000
