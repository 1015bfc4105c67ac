"""Races, on the local engine, in processes: real functions, flows and stores against one DynamoDB.

Three things are raced. First messages of one person, on several channels at the same instant. Duels: two parties who
begin at the same instant, one of them often holding its breath before one of its requests. And a day: many contacts,
visitors of web chat and agents, everything delivered once or twice, replies lost, requests refused, processes killed
and their records delivered again; in the middle of it the agents are counted, at its rests every promise is asked of
the tables and of the visitors' tabs, and in the evening everybody has to be served.

Timers, sockets and the clock are in the parent's hands, so that no run waits for an offer to run out. The seed repeats
what was drawn: who writes, comes, goes, accepts, and when something goes wrong. It cannot repeat how four processes and
an engine interleave. So what broke is told with its history: the changes of the contact, every write, every frame and
every mishap, in the order in which the parent heard of them.
"""

import json
from pathlib import Path

from infra.local.engine import start_engine
from infra.local.resources import create_resources
from tests.chaos import _race_duels, _race_firsts
from tests.chaos._race_day import Day, Size, profiles
from tests.chaos._race_duels import race_duels
from tests.chaos._race_firsts import race_first_messages
from tests.chaos._race_floor import RaceFloor
from tests.chaos._race_people import configuration
from tests.chaos.options import Options
from tests.chaos.tally import Tally

TEMPLATE = json.loads((Path(__file__).resolve().parents[2] / "infra" / "resources.json").read_text(encoding="utf-8"))
STAGE = "races"


def run(options: Options) -> Tally:
    """Race everybody; the short form takes about three quarters of a minute on two cores."""
    firsts, duels, size = (16, 2, SHORT_DAY) if options.short else (150, 20, LONG_DAY)
    draws = options.draws("races")
    people = configuration([*_race_firsts.PROFILES, *_race_duels.PROFILES, *profiles(size, draws)])
    with start_engine("ministack", None) as engine:
        environment = create_resources(engine.endpoint_url, TEMPLATE, STAGE)
        with RaceFloor(environment, people, str(draws.random())) as floor:
            race_first_messages(floor, firsts)
            race_duels(floor, duels)
            Day(floor, size, str(draws.random())).run()
            return _tally(floor)


SHORT_DAY = Size(contacts=32, visitors=4, agents=8, stills=2)
LONG_DAY = Size(contacts=200, visitors=40, agents=20, stills=8)


def _tally(floor: RaceFloor) -> Tally:
    counted = floor.tally
    return Tally(
        points=counted["points"],
        faults=floor.crew.mishaps.total(),
        messages=counted["messages"],
        entries=counted["entries"],
        offers=len(floor.offered),
        sends=counted["sends"],
        lost=counted["lost"],
        doubled=counted["doubled"],
        stuck=counted["stuck"],
        over_capacity=counted["over_capacity"],
        broken=floor.broken,
    )
