"""A running engine with clients for it, and on it what the template deploys."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from infra.local.engine import Engine, EngineKind, start_engine
from infra.local.resources import create_resources, local_session

TEMPLATE: dict[str, Any] = json.loads(Path(__file__).parents[2].joinpath("infra/resources.json").read_text())


# Test → the row of docs/local-engine.md that tells of it. Strict: a gap that has closed fails its test.
GAPS: dict[EngineKind, dict[str, str]] = {
    "ministack": {"test_overlapping_paths_in_one_expression_are_refused": "overlapping paths"},
    "moto": {
        "test_overlapping_paths_in_one_expression_are_refused": "overlapping paths",
        "test_one_token_is_one_transaction": "transaction tokens",
        "test_a_token_does_not_fit_another_transaction": "transaction tokens",
        "test_a_comparison_of_different_types_is_false": "comparison of types",
        "test_an_item_of_more_than_400_kb_is_refused": "size of an item",
        "test_a_duplicate_is_dropped_even_after_the_first_was_deleted": "deduplication after a delete",
        "test_a_group_has_its_own_deduplication_ids": "deduplication by group",
        "test_sequence_numbers_rise": "sequence numbers",
        "test_a_presigned_post_is_bound_to_size_and_type": "bounds of a presigned POST",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """An engine, the environment of the functions on it, and clients that never retry."""

    engine: Engine
    environment: dict[str, str]
    dynamodb: Any
    sqs: Any
    s3: Any
    ssm: Any


def expect_known_gap(request: pytest.FixtureRequest, kind: EngineKind) -> None:
    """Expect the test to fail where the engine is known not to do what it asks."""
    gap = GAPS[kind].get(request.node.originalname)
    if gap is not None:
        request.node.add_marker(pytest.mark.xfail(reason=gap, strict=True))


@contextmanager
def running(kind: EngineKind, state_dir: Path | None = None) -> Iterator[Aws]:
    """Start an engine with everything of the template on it."""
    with ExitStack() as stack:
        engine = stack.enter_context(start_engine(kind, state_dir))
        environment = create_resources(engine.endpoint_url, TEMPLATE, "test")
        names: list[Any] = ["dynamodb", "sqs", "s3", "ssm"]
        clients: dict[str, Any] = {
            name: stack.enter_context(closing(_client(name, engine.endpoint_url))) for name in names
        }
        yield Aws(engine=engine, environment=environment, **clients)


def _client(name: Any, endpoint_url: str) -> Any:
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=32)
    return local_session().client(name, endpoint_url=endpoint_url, config=config)


class Machine:
    """An engine that can be killed and started again, on the same port: clients and queue addresses stay good."""

    def __init__(self, aws: Aws, state_dir: Path) -> None:
        self.aws = aws
        self.state_dir = state_dir
        self.engine = aws.engine
        self._port = int(aws.engine.endpoint_url.rpartition(":")[2])

    def crash(self) -> None:
        self.engine.kill()
        self.start()

    def start(self) -> None:
        self.engine = start_engine("ministack", self.state_dir, port=self._port)

    @property
    def table(self) -> str:
        return self.aws.environment["THREADS_TABLE"]

    @property
    def fifo(self) -> str:
        return self.aws.environment["INBOUND_QUEUE_URL"]

    @property
    def standard(self) -> str:
        return self.aws.environment["TIMERS_QUEUE_URL"]

    @property
    def log(self) -> Path:
        return self.state_dir / "redo.log"


@contextmanager
def a_machine(state_dir: Path) -> Iterator[Machine]:
    """Start one with everything of the template on it; nothing of it is left afterwards."""
    with running("ministack", state_dir) as aws:
        machine = Machine(aws, state_dir)
        try:
            yield machine
        finally:
            machine.engine.stop()


def key_of(pk: str, sk: str = "-") -> dict[str, Any]:
    """Return the key of an item as DynamoDB writes it."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def items_of(aws: Aws, table: str, pk: str) -> list[dict[str, Any]]:
    """Return all items of a partition, in order."""
    pages = aws.dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": pk}},
        ConsistentRead=True,
    )
    return [item for page in pages for item in page["Items"]]
