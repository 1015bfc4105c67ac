"""What the stores on DynamoDB make of conflicts, lost replies and a table that does not answer."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse

from tests.cloud import cloud
from tests.tables import ANNA, HOME, Stores, agent, connection, dynamo_stores, entry, offer, opened, opening, tables_of
from throughline.domain.conversations import Head
from throughline.domain.errors import ConfigurationError, StoreUnavailableError
from throughline.domain.routing import Claim
from throughline.store._directory import CACHE_MS, NEW_MS
from throughline.store._table import ATTEMPTS, CONFLICT_ATTEMPTS, Table, connect
from throughline.store.routing import DynamoRouting


def error(code: str, *reasons: str) -> dict[str, Any]:
    return {"Error": {"Code": code}, "CancellationReasons": [{"Code": reason} for reason in reasons]}


CONFLICT = error("TransactionConflictException")
CANCELLED = error("TransactionCanceledException", "None", "TransactionConflict")
THROTTLED = error("TransactionCanceledException", "ThrottlingError", "TransactionConflict")
IN_PROGRESS = error("TransactionInProgressException")
GONE_AND_CONFLICT = error("TransactionCanceledException", "ConditionalCheckFailed", "TransactionConflict")


@pytest.fixture
def stores() -> Iterator[Stores]:
    with cloud():
        yield dynamo_stores(tables_of(connection()))


@contextmanager
def hooked(event: str, handler: Any, *, last: bool = False) -> Iterator[None]:
    events = connection().client.meta.events
    (events.register_last if last else events.register_first)(event, handler)
    try:
        yield
    finally:
        events.unregister(event, handler)


@contextmanager
def answered(operation: str, *answers: Mapping[str, Any], forever: bool = False) -> Iterator[list[bytes]]:
    """Answer the next requests of an operation with errors, unsent; yield the bodies of all requests."""
    left, asked = list(answers), list[bytes]()

    def answer(params: Mapping[str, Any], **_: Any) -> tuple[AWSResponse, Mapping[str, Any]] | None:
        asked.append(params["body"])
        if not left:
            return None
        return AWSResponse("", 400, HTTPHeaders(), None), left[0] if forever else left.pop(0)

    with hooked(f"before-call.dynamodb.{operation}", answer):
        yield asked


@contextmanager
def one_reply_lost(operation: str) -> Iterator[None]:
    """Let the next request of an operation be carried out, and its reply be lost."""
    lost: list[object] = []

    def lose(request: Any, event_name: str, **_: Any) -> None:
        if event_name.endswith(f".{operation}") and not lost:
            lost.append(request)
            raise ReadTimeoutError(endpoint_url=request.url)

    with hooked("before-send", lose, last=True):
        yield
    assert lost


def both(stores: Stores) -> Head:
    stores.routing.add_agent(agent())
    return opened(stores)


# ---------------------------------------------------------------- conflicts


def test_a_write_that_meets_a_transaction_is_repeated(stores: Stores) -> None:
    with answered("UpdateItem", *[CONFLICT] * (CONFLICT_ATTEMPTS - 1)) as sent:
        found = stores.threads.announce(HOME, opening())

    assert isinstance(found, Head)
    assert found.version == 1
    assert len(sent) == CONFLICT_ATTEMPTS


@pytest.mark.parametrize("answer", [CANCELLED, THROTTLED], ids=["conflict", "throttled"])
def test_a_claim_that_conflicts_is_repeated_with_the_same_token_and_bytes(
    stores: Stores, answer: Mapping[str, Any]
) -> None:
    head = both(stores)

    with answered("TransactWriteItems", answer, answer, answer) as sent:
        result = stores.routing.claim(offer(head))

    assert result == (Claim.WON, None)
    assert sent == [sent[0]] * 4
    assert len(json.loads(sent[0])["ClientRequestToken"]) <= 36


def test_another_claim_has_another_token(stores: Stores) -> None:
    head = both(stores)

    with answered("TransactWriteItems") as sent:
        stores.routing.claim(offer(head))
        stores.routing.claim(offer(head, nonce="another"))

    tokens = [json.loads(body)["ClientRequestToken"] for body in sent]
    assert len(set(tokens)) == 2


def test_endless_conflicts_give_the_event_back(stores: Stores) -> None:
    head = both(stores)

    with answered("TransactWriteItems", CANCELLED, forever=True) as sent, pytest.raises(StoreUnavailableError):
        stores.routing.claim(offer(head))
    assert len(sent) == CONFLICT_ATTEMPTS

    with answered("PutItem", CONFLICT, forever=True), pytest.raises(StoreUnavailableError):
        stores.threads.add_entry(entry())


def test_a_refused_condition_beside_a_conflict_counts(stores: Stores) -> None:
    head = both(stores)
    with answered("TransactWriteItems", GONE_AND_CONFLICT) as sent:
        assert stores.routing.claim(offer(head)) == (Claim.CONTACT_GONE, None)
    assert len(sent) == 1


def test_a_claim_that_is_still_under_way_is_waited_for(stores: Stores) -> None:
    head = both(stores)

    with answered("TransactWriteItems", IN_PROGRESS):
        assert stores.routing.claim(offer(head)) == (Claim.WON, None)


# ---------------------------------------------------------------- lost replies


def test_a_claim_whose_reply_was_lost_is_recognised(stores: Stores) -> None:
    head = both(stores)

    with one_reply_lost("TransactWriteItems"):
        assert stores.routing.claim(offer(head)) == (Claim.WON, None)

    anna = stores.routing.find_agent(ANNA)
    assert anna is not None
    assert anna.load["chat"] == 1


def test_an_entry_whose_reply_was_lost_is_told_as_ones_own(stores: Stores) -> None:
    with one_reply_lost("PutItem"):
        standing = stores.threads.add_entry(entry(by="inbound-1"))

    assert standing == entry(by="inbound-1")


# ---------------------------------------------------------------- trouble


def test_throttling_is_retried_twice_and_then_told_as_ours(stores: Stores) -> None:
    sent: list[object] = []

    def throttle(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        body = json.dumps({"__type": "ThrottlingException", "message": "a secret of theirs"})
        return AWSResponse(request.url, 400, HTTPHeaders(), MockRawResponse(body.encode()))

    with hooked("before-send.dynamodb.GetItem", throttle), pytest.raises(StoreUnavailableError) as told:
        stores.threads.get_live(HOME)

    assert len(sent) == ATTEMPTS
    assert "secret" not in str(told.value)


def test_a_table_that_is_not_there_is_a_wrong_configuration(stores: Stores) -> None:
    nowhere = Table(connection(), "nowhere")

    for step in (
        lambda: nowhere.get("pk", "sk"),
        lambda: nowhere.query("pk"),
        lambda: nowhere.put({"pk": "a", "sk": "b"}),
        lambda: nowhere.get_all([("a", "b")]),
    ):
        with pytest.raises(ConfigurationError):
            step()
    assert stores.threads.get_live(HOME) is None


def test_nobody_at_the_other_end_is_trouble_that_may_pass() -> None:
    environment = {
        "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    with patch.dict("os.environ", environment), pytest.raises(StoreUnavailableError):
        Table(connect(), "any").get("pk", "sk")


# ---------------------------------------------------------------- the directory


def another_process(stores: Stores) -> DynamoRouting:
    tables = tables_of(connection())
    return DynamoRouting(tables.routing, tables.threads, clock=stores.clock)


def test_what_another_process_added_is_seen_after_ten_seconds(stores: Stores) -> None:
    assert stores.routing.list_requirements("chat") == []
    another_process(stores).add_requirement("chat", "de.1")

    stores.clock.now_ms += CACHE_MS - 1
    assert stores.routing.list_requirements("chat") == []
    stores.clock.now_ms += 1
    assert stores.routing.list_requirements("chat") == ["de.1"]


def test_what_was_added_just_now_still_counts_as_unknown(stores: Stores) -> None:
    another_process(stores).add_requirement("chat", "de.1")

    stores.clock.now_ms += NEW_MS - 1
    assert stores.routing.add_requirement("chat", "de.1")
    stores.clock.now_ms += 1
    assert not stores.routing.add_requirement("chat", "de.1")
    assert not another_process(stores).add_requirement("chat", "de.1")


def test_an_entry_that_could_not_be_added_is_not_taken_for_known(stores: Stores) -> None:
    with answered("PutItem", CONFLICT, forever=True), pytest.raises(StoreUnavailableError):
        stores.routing.add_requirement("chat", "de.1")

    assert stores.routing.add_requirement("chat", "de.1")
    assert another_process(stores).list_requirements("chat") == ["de.1"]
