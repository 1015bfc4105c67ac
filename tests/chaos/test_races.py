"""The races have teeth: without one of the rules of the write protocol, something breaks and is seen."""

import random
from collections.abc import Iterator

import pytest

from infra.local.engine import start_engine
from infra.local.resources import create_resources
from tests.chaos._race_day import Day, Size, profiles
from tests.chaos._race_duels import PROFILES, race_duels
from tests.chaos._race_floor import RaceFloor
from tests.chaos._race_people import configuration
from tests.chaos.races import TEMPLATE

ROUNDS = 300  # far more than it takes: one that sees it comes within a few, or a few dozen
WORKERS = 3
DAY = Size(contacts=2, visitors=10, agents=4, stills=3)


@pytest.fixture(scope="module")
def floor() -> Iterator[RaceFloor]:
    with start_engine("ministack", None) as engine:
        environment = create_resources(engine.endpoint_url, TEMPLATE, "teeth")
        people = configuration([*PROFILES, *profiles(DAY, random.Random("teeth"))])
        with RaceFloor(environment, people, "teeth", workers=WORKERS) as floor:
            yield floor


@pytest.mark.parametrize(
    ("rule", "duel", "promise"),
    [
        ("capacity", "contacts arrive at one free place", "over capacity"),
        ("second look of the agent", "an agent comes free, a contact arrives", "waits while ada is free"),
        ("turn", "reject, deadline twice", "a_contact_and_its_slot_agree"),
        ("tab first", "a visitor's hello, a reply", "was never shown"),
        ("first arrival", "a visitor's message by two tabs", "1 messages are 2 entries"),
    ],
)
def test_a_rule_that_is_taken_out_is_missed(floor: RaceFloor, rule: str, duel: str, promise: str) -> None:
    floor.broken.clear()
    floor.without(rule)
    race_duels(floor, ROUNDS, only=(duel,), enough=1)
    assert promise in floor.broken[0]


@pytest.mark.parametrize(
    ("rule", "promise"),
    [("first arrival", "a_message_is_one_entry"), ("doorbell", "was never shown")],
)
def test_a_rule_that_visitors_live_by_is_missed_on_a_day(floor: RaceFloor, rule: str, promise: str) -> None:
    floor.broken.clear()
    floor.without(rule)
    Day(floor, DAY, "teeth").run()
    floor.forget()
    assert promise in floor.broken[0]


def test_nothing_is_missed_while_every_rule_stands(floor: RaceFloor) -> None:
    floor.broken.clear()
    floor.without("")
    race_duels(floor, 1)
    assert floor.broken == []
