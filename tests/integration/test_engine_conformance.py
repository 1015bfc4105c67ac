"""What we rely on in DynamoDB, against the real engine processes. Run it before any upgrade of ministack."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from tests.integration.engines import Aws, expect_known_gap, running

THREADS = 8


@pytest.fixture(scope="module", params=["ministack", "moto"])
def aws(request: pytest.FixtureRequest) -> Iterator[Aws]:
    with running(request.param) as aws:
        yield aws


@pytest.fixture(autouse=True)
def _known_gaps(request: pytest.FixtureRequest, aws: Aws) -> None:
    expect_known_gap(request, aws.engine.kind)


class Table:
    """One table in plain Python values."""

    def __init__(self, aws: Aws) -> None:
        self.client = aws.dynamodb
        self.name = aws.environment["THREADS_TABLE"]

    def put(self, pk: str, sk: str = "-", /, *, condition: dict[str, Any] | None = None, **values: Any) -> None:
        self.client.put_item(TableName=self.name, Item=_coded({"pk": pk, "sk": sk, **values}), **(condition or {}))

    def get(self, pk: str, sk: str = "-") -> dict[str, Any] | None:
        found = self.client.get_item(TableName=self.name, Key=_coded({"pk": pk, "sk": sk}), ConsistentRead=True)
        return _plain(found["Item"]) if "Item" in found else None

    def update(self, pk: str, sk: str = "-", /, **request: Any) -> dict[str, Any]:
        answer = self.client.update_item(
            TableName=self.name, Key=_coded({"pk": pk, "sk": sk}), ReturnValues="ALL_NEW", **request
        )
        return _plain(answer["Attributes"])

    def query(self, pk: str, condition: str = "", values: dict[str, Any] | None = None, **request: Any) -> Any:
        return self.client.query(
            TableName=self.name,
            KeyConditionExpression="pk = :pk" + condition,
            ExpressionAttributeValues=_coded({":pk": pk, **(values or {})}),
            ConsistentRead=True,
            **request,
        )

    def action(self, kind: str, pk: str, /, **request: Any) -> dict[str, Any]:
        place = {"Item": _coded(request.pop("item"))} if kind == "Put" else {"Key": _coded({"pk": pk, "sk": "-"})}
        return {kind: {"TableName": self.name, **place, **request}}


@pytest.fixture
def table(aws: Aws) -> Table:
    return Table(aws)


def _coded(values: dict[str, Any]) -> dict[str, Any]:
    return {key: TypeSerializer().serialize(value) for key, value in values.items()}


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return {key: TypeDeserializer().deserialize(value) for key, value in item.items()}


def _refusal(call: Callable[[], Any]) -> dict[str, Any]:
    with pytest.raises(ClientError) as refused:
        call()
    return dict(refused.value.response)


def _code(call: Callable[[], Any]) -> str:
    return str(_refusal(call)["Error"]["Code"])


def _together(work: Callable[[int], Any]) -> list[Any]:
    barrier = threading.Barrier(THREADS)

    def start(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(start, range(THREADS)))


# Conditions


@pytest.mark.parametrize("operation", ["put", "update", "delete"])
def test_a_failed_condition_shows_the_item_it_failed_on(table: Table, operation: str) -> None:
    pk = f"condition-{operation}"
    table.put(pk, by="first")
    request: dict[str, Any] = {
        "TableName": table.name,
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    key, item = _coded({"pk": pk, "sk": "-"}), _coded({"pk": pk, "sk": "-", "by": "second"})
    calls: dict[str, Callable[[], Any]] = {
        "put": lambda: table.client.put_item(Item=item, **request),
        "update": lambda: table.client.update_item(Key=key, UpdateExpression="REMOVE x", **request),
        "delete": lambda: table.client.delete_item(Key=key, **request),
    }
    refusal = _refusal(calls[operation])
    assert refusal["Error"]["Code"] == "ConditionalCheckFailedException"
    assert _plain(refusal["Item"]) == {"pk": pk, "sk": "-", "by": "first"}
    assert table.get(pk) == {"pk": pk, "sk": "-", "by": "first"}


def test_a_condition_that_failed_on_nothing_shows_nothing(table: Table) -> None:
    condition = {
        "ConditionExpression": "attribute_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    assert "Item" not in _refusal(lambda: table.put("absent", condition=condition))
    assert table.get("absent") is None


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("attribute_not_exists(held.#c)", False),
        ("attribute_not_exists(held.gone)", True),
        ("attribute_exists(held.#c.turn)", True),
        ("attribute_not_exists(absent.thing)", True),
        ("contains(excl, :name)", True),
        ("NOT contains(excl, :turn)", True),
        ("contains(skills, :name)", True),
        ("contains(#text, :name)", True),
        ("size(excl) = :two", True),
        ("absent < :turn", False),
        ("held.#c.turn BETWEEN :two AND :turn", True),
        ("held.#c.turn IN (:two, :turn)", True),
        ("held.#c.turn = :two OR (held.#c.turn > :two AND #text <> :name)", True),
        ("attribute_type(skills, :set)", True),
        ("begins_with(#text, :name)", True),
    ],
)
def test_condition_expressions_mean_what_they_say(table: Table, *, expression: str, holds: bool) -> None:
    held = {"c-1": {"turn": 3}}
    table.put("expressions", held=held, excl=["anna", "ben"], skills={"anna", "de"}, text="anna and ben")
    names = {"#c": "c-1", "#text": "text"}
    values = {":name": "anna", ":turn": 3, ":two": 2, ":set": "SS"}
    request: dict[str, Any] = {
        "UpdateExpression": "SET touched = :true",
        "ConditionExpression": expression,
        "ExpressionAttributeNames": {name: value for name, value in names.items() if name in expression},
        "ExpressionAttributeValues": _coded(
            {":true": True} | {name: value for name, value in values.items() if name in expression}
        ),
    }
    if not request["ExpressionAttributeNames"]:
        del request["ExpressionAttributeNames"]
    if holds:
        assert table.update("expressions", **request)["touched"] is True
    else:
        assert _code(lambda: table.update("expressions", **request)) == "ConditionalCheckFailedException"


def test_a_comparison_of_different_types_is_false(table: Table) -> None:
    table.put("types", name="anna")
    condition = {"ConditionExpression": "#n < :n", "ExpressionAttributeNames": {"#n": "name"}}
    values = {"ExpressionAttributeValues": _coded({":n": 1})}
    assert _code(lambda: table.put("types", condition=condition | values)) == "ConditionalCheckFailedException"


def test_a_reserved_word_must_be_aliased(table: Table) -> None:
    table.put("reserved", state="queued")
    request = {"UpdateExpression": "SET state = :s", "ExpressionAttributeValues": _coded({":s": "active"})}
    assert _code(lambda: table.update("reserved", **request)) == "ValidationException"


def test_an_item_of_more_than_400_kb_is_refused(table: Table) -> None:
    overhead = len("pk" + "big" + "sk" + "-" + "text")
    table.put("big", text="x" * (400 * 1024 - overhead))
    assert _code(lambda: table.put("big", text="x" * (400 * 1024 - overhead + 1))) == "ValidationException"


# Updates


def test_an_update_counts_appends_and_sets_what_is_absent(table: Table) -> None:
    request = {
        "UpdateExpression": "SET version = if_not_exists(version, :zero) + :one, conv = if_not_exists(conv, :conv),"
        " past = list_append(if_not_exists(past, :none), :past)",
        "ExpressionAttributeValues": _coded({":zero": 0, ":one": 1, ":conv": "c-1", ":none": [], ":past": ["1:anna"]}),
    }
    table.update("live", **request)
    second = table.update("live", **request)
    assert second == {"pk": "live", "sk": "-", "version": 2, "conv": "c-1", "past": ["1:anna", "1:anna"]}


def test_an_update_reaches_into_maps_and_lists(table: Table) -> None:
    table.put("agent", held={}, load={"chat": 0}, past=["a", "b"])
    names = {"#c": "c-1", "#load": "load"}
    after = table.update(
        "agent",
        UpdateExpression="SET held.#c = :slot, #load.chat = #load.chat + :one REMOVE past[0]",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=_coded({":slot": {"turn": 1}, ":one": 1}),
    )
    assert after == {"pk": "agent", "sk": "-", "held": {"c-1": {"turn": 1}}, "load": {"chat": 1}, "past": ["b"]}
    after = table.update("agent", UpdateExpression="REMOVE held.#c", ExpressionAttributeNames={"#c": "c-1"})
    assert after["held"] == {}


def test_a_path_into_a_map_that_is_not_there_is_refused(table: Table) -> None:
    table.put("flat")
    request = {"UpdateExpression": "SET held.x = :v", "ExpressionAttributeValues": _coded({":v": 1})}
    assert _code(lambda: table.update("flat", **request)) == "ValidationException"


def test_overlapping_paths_in_one_expression_are_refused(table: Table) -> None:
    table.put("overlap", past=["a"])
    request = {
        "UpdateExpression": "SET past = list_append(past, :v) REMOVE past[0]",
        "ExpressionAttributeValues": _coded({":v": ["b"]}),
    }
    assert _code(lambda: table.update("overlap", **request)) == "ValidationException"


# Queries


def _keys(page: Any) -> list[str]:
    return [_plain(item)["sk"] for item in page["Items"]]


def test_a_query_sees_what_was_just_written_in_byte_order(table: Table) -> None:
    keys = ["entry#2", "entry#10", "entry#1", "live", "entry#ä", "entry#z"]
    for key in keys:
        table.put("order", key)
    assert _keys(table.query("order")) == sorted(keys, key=str.encode)
    assert _keys(table.query("order", ScanIndexForward=False)) == sorted(keys, key=str.encode, reverse=True)


def test_a_query_takes_a_prefix_or_a_range(table: Table) -> None:
    for number in range(5):
        table.put("range", f"entry#{number}")
    table.put("range", "live")
    assert len(_keys(table.query("range", " AND begins_with(sk, :p)", {":p": "entry#"}))) == 5
    between = table.query("range", " AND sk BETWEEN :a AND :b", {":a": "entry#1", ":b": "entry#3"})
    assert _keys(between) == ["entry#1", "entry#2", "entry#3"]
    assert _keys(table.query("range", " AND sk > :a", {":a": "entry#3"})) == ["entry#4", "live"]


@pytest.mark.parametrize("forward", [True, False])
def test_pages_have_no_gap_even_when_their_last_item_is_deleted(table: Table, *, forward: bool) -> None:
    pk = f"pages-{forward}"
    keys = [f"{number:03}" for number in range(7)]
    for key in keys:
        table.put(pk, key)
    page = table.query(pk, Limit=3, ScanIndexForward=forward)
    seen = _keys(page)
    while "LastEvaluatedKey" in page:
        table.client.delete_item(TableName=table.name, Key=page["LastEvaluatedKey"])
        page = table.query(pk, Limit=3, ScanIndexForward=forward, ExclusiveStartKey=page["LastEvaluatedKey"])
        seen += _keys(page)
    assert seen == (keys if forward else keys[::-1])


# Transactions


def test_a_transaction_is_all_or_nothing_and_says_why(table: Table) -> None:
    table.put("agent-full", load=5)
    table.put("contact", turn=1)
    actions = [
        table.action("Put", "", item={"pk": "claim", "sk": "-"}, ConditionExpression="attribute_not_exists(pk)"),
        table.action(
            "Update",
            "agent-full",
            UpdateExpression="SET #l = #l + :one",
            ConditionExpression="#l < :cap",
            ExpressionAttributeNames={"#l": "load"},
            ExpressionAttributeValues=_coded({":one": 1, ":cap": 5}),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        ),
        table.action("ConditionCheck", "contact", ConditionExpression="attribute_exists(pk)"),
    ]
    refusal = _refusal(lambda: table.client.transact_write_items(TransactItems=actions))
    assert refusal["Error"]["Code"] == "TransactionCanceledException"
    codes = [reason["Code"] for reason in refusal["CancellationReasons"]]
    assert codes == ["None", "ConditionalCheckFailed", "None"]
    assert _plain(refusal["CancellationReasons"][1]["Item"]) == {"pk": "agent-full", "sk": "-", "load": 5}
    assert table.get("claim") is None


def test_a_transaction_does_not_touch_one_item_twice(table: Table) -> None:
    twice = [table.action("Delete", "twice"), table.action("Delete", "twice")]
    assert _code(lambda: table.client.transact_write_items(TransactItems=twice)) == "ValidationException"


def _count_up(table: Table, pk: str, amount: int = 1) -> list[dict[str, Any]]:
    values = _coded({":by": amount})
    return [table.action("Update", pk, UpdateExpression="ADD n :by", ExpressionAttributeValues=values)]


def test_one_token_is_one_transaction(table: Table) -> None:
    for _ in range(3):
        table.client.transact_write_items(TransactItems=_count_up(table, "token"), ClientRequestToken="once-1")
    assert (table.get("token") or {})["n"] == 1


def test_a_token_does_not_fit_another_transaction(table: Table) -> None:
    table.client.transact_write_items(TransactItems=_count_up(table, "mismatch"), ClientRequestToken="once-2")
    other = _count_up(table, "mismatch", 2)
    code = _code(lambda: table.client.transact_write_items(TransactItems=other, ClientRequestToken="once-2"))
    assert code == "IdempotentParameterMismatchException"


# Several at once


def test_no_addition_is_lost_between_threads(table: Table) -> None:
    request = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": _coded({":one": 1})}
    _together(lambda _: [table.update("counter", **request) for _ in range(10)])
    assert (table.get("counter") or {})["n"] == THREADS * 10


def test_one_of_many_first_writers_wins(table: Table) -> None:
    def write(number: int) -> bool:
        try:
            table.put("first", condition={"ConditionExpression": "attribute_not_exists(pk)"}, by=number)
        except table.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    outcomes = _together(write)
    assert Counter(outcomes) == {True: 1, False: THREADS - 1}
    assert (table.get("first") or {})["by"] == outcomes.index(True)


def test_claims_never_exceed_capacity_nor_fall_short_of_it(table: Table) -> None:
    capacity = 5
    table.put("claimed", load=0, held={})

    def claim(number: int) -> bool:
        contact = f"c-{number}"
        agent = table.action(
            "Update",
            "claimed",
            UpdateExpression="SET held.#c = :one, #l = #l + :one",
            ConditionExpression="#l < :cap AND attribute_not_exists(held.#c)",
            ExpressionAttributeNames={"#l": "load", "#c": contact},
            ExpressionAttributeValues=_coded({":one": 1, ":cap": capacity}),
        )
        taken = table.action("Put", "", item={"pk": f"taken-{contact}", "sk": "-"})
        try:
            table.client.transact_write_items(TransactItems=[agent, taken])
        except table.client.exceptions.TransactionCanceledException:
            return False
        return True

    won = {f"c-{number}" for number, outcome in enumerate(_together(claim)) if outcome}
    agent = table.get("claimed") or {}
    assert len(won) == agent["load"] == capacity
    assert set(agent["held"]) == won
    assert all((table.get(f"taken-c-{number}") is not None) == (f"c-{number}" in won) for number in range(THREADS))


def test_every_increment_returns_a_number_of_its_own(table: Table) -> None:
    request = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": _coded({":one": 1})}
    versions = _together(lambda _: [int(table.update("versions", **request)["n"]) for _ in range(5)])
    assert sorted(chain(*versions)) == list(range(1, THREADS * 5 + 1))
    assert all(earlier < later for own in versions for earlier, later in pairwise(own))
