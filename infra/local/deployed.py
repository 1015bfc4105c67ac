"""What a deployment would run, read from where a deployment reads it: the Chalice app, its config, the template."""

import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalice.app import Chalice, Rate, RouteEntry, ScheduledEventConfig, SQSEventConfig
from chalice.local import LocalChalice
from chalice.utils import to_cfn_resource_name

from infra.local.invocation import Function, Handler

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_TIMEOUT_S = 60.0  # Chalice's own
HTTP_FUNCTION = "api_handler"

_SECONDS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}


class NotDeployableError(Exception):
    """The app declares something that the local stack cannot play."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sockets:
    """The three functions of the WebSocket API."""

    connect: Function
    message: Function
    disconnect: Function


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSource:
    """A queue that feeds a function.

    Without `reports_failures` Lambda deletes the whole batch, whatever the function returns.
    """

    function: Function
    queue_name: str
    batch_size: int
    reports_failures: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A function that is called every so often."""

    function: Function
    every_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Everything that is called, and by what.

    `routes` maps a resource path to its methods, `preflight` to the headers that answer a browser's OPTIONS.
    """

    http: Function
    routes: Mapping[str, frozenset[str]]
    preflight: Mapping[str, Mapping[str, str]]
    binary_types: Sequence[str]
    sockets: Sockets
    queues: Sequence[QueueSource]
    schedules: Sequence[Schedule]


def load_deployment(pool: Executor, stage: str, root: Path = ROOT) -> Deployment:
    """Import `app.py` of the project, as a deployment would. The environment has to be complete before.

    Raises:
        NotDeployableError: the app has a trigger that is not played here.
    """
    sys.path[:0] = [path for path in (str(root), str(root / "layers/core/python")) if path not in sys.path]
    app: Chalice = importlib.import_module("app").app
    # A Lambda process builds its world alone, with its first event; here many threads would build it at the same time.
    importlib.import_module("functions._wiring").world()
    template = json.loads((root / "infra/resources.json").read_text())
    return read_deployment(app, pool, read_config(root), template, stage)


def read_config(root: Path) -> Mapping[str, Any]:
    """Return the settings of all stages in `.chalice/config.json`, where there is one."""
    path = root / ".chalice/config.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def read_deployment(
    app: Chalice, pool: Executor, config: Mapping[str, Any], template: Mapping[str, Any], stage: str
) -> Deployment:
    """Return what `app` declares, with time-outs from Chalice's config, queues and batch answers from the template."""

    def function(name: str, handler: Handler) -> Function:
        return Function(name=name, handler=handler, timeout_s=_timeout_s(config, name), pool=pool)

    def of_socket(route: str, name: str) -> Function:
        return function(name, _imported(app.websocket_handlers[route].handler_string))

    queues, schedules = [], []
    for source in app.event_sources:
        triggered = function(source.name, _imported(source.handler_string))
        match source:
            case SQSEventConfig():
                queues.append(_queue_source(source, triggered, template, stage))
            case ScheduledEventConfig():
                schedules.append(Schedule(function=triggered, every_s=_every_s(source.schedule_expression)))
            case _:
                raise NotDeployableError(f"{source.name} has a trigger that the local stack does not know")
    return Deployment(
        http=function(HTTP_FUNCTION, _safe_for_threads(app)),
        routes={path: frozenset(methods) for path, methods in app.routes.items()},
        preflight={path: headers for path, methods in app.routes.items() if (headers := _preflight(methods))},
        binary_types=tuple(app.api.binary_types),
        sockets=Sockets(
            connect=of_socket("$connect", "websocket_connect"),
            message=of_socket("$default", "websocket_message"),
            disconnect=of_socket("$disconnect", "websocket_disconnect"),
        ),
        queues=queues,
        schedules=schedules,
    )


def _safe_for_threads(app: Chalice) -> Handler:
    """Keep the current request per thread: in Lambda a process has one request at a time, here it has many."""
    app.__class__ = LocalChalice
    handler: Handler = app
    return handler


def _imported(handler_string: str) -> Handler:
    module, _, name = handler_string.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), name)
    return handler


def _timeout_s(config: Mapping[str, Any], name: str) -> float:
    own = config.get("lambda_functions", {}).get(name, {}).get("lambda_timeout")
    return float(own or config.get("lambda_timeout") or DEFAULT_TIMEOUT_S)


def _preflight(methods: Mapping[str, RouteEntry]) -> Mapping[str, str]:
    """Return what the OPTIONS method that Chalice adds to a resource answers; nothing where no method allows CORS."""
    allowed = {name: entry.cors for name, entry in methods.items() if entry.cors is not None}
    if not allowed:
        return {}
    names = ",".join(sorted({*allowed, "OPTIONS"}))
    headers = next(iter(allowed.values())).get_access_control_headers()
    return {"Access-Control-Allow-Methods": names, **headers}


def _queue_source(source: SQSEventConfig, function: Function, template: Mapping[str, Any], stage: str) -> QueueSource:
    merged = _merged_source(template, source.name)
    return QueueSource(
        function=function,
        queue_name=_queue_name(merged, template, stage) or source.queue or (source.queue_arn or "").rpartition(":")[2],
        batch_size=source.batch_size,
        reports_failures="ReportBatchItemFailures" in merged.get("FunctionResponseTypes", ()),
    )


def _merged_source(template: Mapping[str, Any], function_name: str) -> Mapping[str, Any]:
    """Return what the template says over the event source that Chalice makes."""
    name = to_cfn_resource_name(function_name)
    function = template["Resources"].get(name, {}).get("Properties", {})
    merged: Mapping[str, Any] = function.get("Events", {}).get(f"{name}SqsEventSource", {}).get("Properties", {})
    return merged


def _queue_name(merged: Mapping[str, Any], template: Mapping[str, Any], stage: str) -> str | None:
    match merged.get("Queue"):
        case {"Fn::GetAtt": [str(logical_id), "Arn"]}:
            name = template["Resources"][logical_id]["Properties"]["QueueName"]
            return str(name["Fn::Sub"] if isinstance(name, Mapping) else name).replace("${Stage}", stage)
    return None


def _every_s(expression: Any) -> float:
    """Return the period of ``rate(1 minute)``; schedules by the calendar are not played."""
    text = expression.to_string() if isinstance(expression, Rate) else str(expression)
    kind, _, rest = text.partition("(")
    amount, _, unit = rest.rstrip(")").partition(" ")
    if kind != "rate" or not amount.isdigit() or unit.removesuffix("s") not in _SECONDS:
        raise NotDeployableError(f"the local stack plays schedules of the form rate(1 minute), not {text}")
    return int(amount) * _SECONDS[unit.removesuffix("s")]
