"""Does the fault run notice? Rules are taken out of the product one at a time, and it has to say what breaks."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.chaos._injection import Fault, Injector, KilledError
from tests.chaos._site import START_MS, Site, running_site
from tests.chaos.faults import Point, Trial
from tests.chaos.tally import Tally
from throughline.channels.telegram import Telegram
from throughline.domain.conversations import Entry
from throughline.store.routing import DynamoRouting
from throughline.store.threads import DynamoThreads

SEED = 1


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site() as site:
        yield site


def attacked(site: Site, path: str, call: str, fault: Fault) -> Tally:
    """Attack the first call of that name on a path."""
    trial = Trial(site, path)
    assert trial.peace == []
    [point, *_] = [point for point in trial.points() if (point.call, point.fault) == (call, fault)]
    return trial.attack(point, SEED)


@pytest.mark.parametrize("fault", list(Fault))
def test_whatever_befalls_a_claim_it_holds(site: Site, fault: Fault) -> None:
    path = "assign: available" if fault is Fault.KILLED_ALONE else "receive: first message"
    trial = Trial(site, path)

    points = [point for point in trial.points() if point.fault is fault]
    claims = [point for point in points if point.call.endswith("TransactWriteItems")] or points
    tally = trial.attack(claims[0], SEED)

    assert tally.broken == []
    assert (tally.points, tally.faults) == (1, 1)
    assert tally.messages == tally.entries


def test_a_store_that_takes_a_repetition_for_a_duplicate_is_found_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = DynamoThreads.add_entry

    def forgetful(self: DynamoThreads, entry: Entry) -> Entry | None:
        standing = honest(self, entry)
        return replace(standing, by="somebody else") if standing else None

    monkeypatch.setattr(DynamoThreads, "add_entry", forgetful)

    tally = attacked(site, "receive: nobody there", "dynamodb.UpdateItem", Fault.KILLED_AFTER)

    assert "waits at turn 1 and cannot be found" in tally.broken[0]
    assert 'POINT="receive: nobody there/' in tally.broken[0]


def test_an_agent_who_is_not_looked_at_again_is_found_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DynamoRouting, "put_ready", lambda *_: None)

    trial = Trial(site, "assign: available")

    assert trial.peace == ["ana is free for chat and cannot be found", "ana is free for email and cannot be found"]


def test_a_reply_that_is_sent_twice_is_found_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Telegram, "repeats_safely", True)  # it does not

    trial = Trial(site, "deliver")
    after_the_send = [
        point
        for point in trial.points()
        if point.fault is Fault.KILLED_BEFORE and point.number == _first_after_the_mark(trial.calls)
    ]
    tally = trial.attack(after_the_send[0], SEED)

    assert tally.doubled == 1
    assert "'here you are' was sent 2 times" in tally.broken[0]


def test_an_answer_that_an_open_tab_is_not_shown_is_found_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("throughline.flows.deliver.show_entry", lambda *_: None)

    trial = Trial(site, "visitor: is shown the answer")

    assert trial.peace == [
        f"lost: the open tab mina-{tab} was never shown 'here you are'" for tab in (1, 2)
    ]  # the third has gone


def test_a_hello_that_leaves_something_out_is_found_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("throughline.flows.handle_visitor_frame.FIRST_PAGE", 1)

    trial = Trial(site, "visitor: more is filed")

    assert [sentence.partition(" h-")[0] for sentence in trial.peace][:1] == ["lost: the next hello leaves out"]


def _first_after_the_mark(calls: list[str]) -> int:
    return calls.index("dynamodb.UpdateItem") + 2


def test_a_point_is_told_so_that_it_can_be_repeated() -> None:
    point = Point(path="accept", number=4, call="dynamodb.UpdateItem", fault=Fault.KILLED_AFTER)

    assert point.name == "accept/4/killed after"


# ---------------------------------------------------------------- the faults themselves


@pytest.fixture
def injector(site: Site) -> Injector:
    site.restore(site.empty)
    return site.injector


def put() -> None:
    """Have a process of ours write one item."""
    from functions._wiring import world

    world().threads.remember_arrival(HOME, "digest", START_MS, "somebody")


HOME: Any = "h-00112233445566778899"


def written(site: Site) -> bool:
    found = site.dynamodb.get_item(
        TableName=site.environment["THREADS_TABLE"],
        Key={"pk": {"S": HOME}, "sk": {"S": "seen#digest"}},
        ConsistentRead=True,
    )
    return "Item" in found


@pytest.mark.parametrize(
    ("fault", "takes_effect", "raises"),
    [
        (Fault.REFUSED, False, True),
        (Fault.LOST, True, True),
        (Fault.LOST_ONCE, True, False),
        (Fault.CONFLICT, False, True),
        (Fault.CONFLICT_ONCE, True, False),
        (Fault.KILLED_BEFORE, False, False),
        (Fault.KILLED_AFTER, True, False),
    ],
)
def test_a_fault_is_what_its_name_says(
    site: Site, injector: Injector, fault: Fault, takes_effect: bool, raises: bool
) -> None:
    from throughline.domain.errors import StoreUnavailableError

    with injector.watching(1, fault):
        try:
            put()
        except StoreUnavailableError:
            assert raises
        else:
            assert not raises

    assert injector.calls[0] == "dynamodb.PutItem"
    assert written(site) == takes_effect
    assert injector.dead == fault.startswith("killed")


def test_nothing_of_a_killed_process_runs_on(site: Site, injector: Injector) -> None:
    caught = False
    with injector.watching(1, Fault.KILLED_BEFORE):
        try:
            put()
        finally:
            try:
                put()
            except KilledError:
                caught = True
    assert caught
    assert not written(site)


def test_another_worker_comes_between(site: Site, injector: Injector) -> None:
    seen: list[bool] = []

    def other() -> None:
        with site.beside():
            put()
        seen.append(written(site))

    with injector.watching(1, Fault.BESIDE, other):
        put()

    assert seen == [True]
    assert injector.calls == ["dynamodb.PutItem"]


def test_every_service_is_throttled_in_its_own_words(site: Site, injector: Injector) -> None:
    from throughline.aws.clients import Clients

    clients = Clients(
        region="us-east-1",
        sockets_endpoint="https://sockets.example.com",
        endpoint_url=site.environment["AWS_ENDPOINT_URL"],
    )
    asked: dict[str, Any] = {
        "RequestThrottled": clients.sqs.list_queues,
        "SlowDown": clients.s3.list_buckets,
        "LimitExceededException": lambda: clients.sockets.post_to_connection(ConnectionId="a", Data=b""),
        "ThrottlingException": clients.ssm.describe_parameters,
    }
    for code, ask in asked.items():
        with injector.watching(1, Fault.REFUSED), pytest.raises(ClientError) as refused:
            ask()
        assert refused.value.response["Error"]["Code"] == code
