"""Providers at their worst, against any deployment, from the outside. docs/provider-chaos.md tells how to run it."""

import asyncio
import os
from collections.abc import Iterator

from infra.local.agent_client import StayedAwayError
from tests.chaos.options import Options
from tests.chaos.provider.attacks import attacks_of
from tests.chaos.provider.case import Attack, Case, Place, attacked
from tests.chaos.provider.floor import Floor
from tests.chaos.provider.logs import judge_logs
from tests.chaos.provider.nonsense import NONSENSE
from tests.chaos.provider.sends import attacks_on_sends
from tests.chaos.provider.site import Site, attacked_site
from tests.chaos.talks import TALKS
from tests.chaos.talks.talk import Talk
from tests.chaos.tally import Tally

FULL_ROUNDS = 4


def run(options: Options) -> Tally:
    """Attack every channel that the deployment has an account of, and that can be made to talk."""
    with attacked_site(os.environ, short=options.short) as site:
        asyncio.run(_attack(site, options))
        judge_logs(site)
        return site.tally


async def _attack(site: Site, options: Options) -> None:
    room = asyncio.Semaphore(site.at_once)

    async def begin(case: Case, attack: Attack) -> None:
        async with room:
            await attacked(case, attack)

    for number in range(1 if options.short else FULL_ROUNDS):
        async with Floor(site) as floor:
            place = Place(site=site, floor=floor, options=options, round=number)
            async with asyncio.TaskGroup() as running:
                for case, attack in _cases(place):
                    running.create_task(begin(case, attack))
            if site.plays_providers:  # elsewhere people may wait for others than ours
                await _judge_waiting(site, floor)


async def _judge_waiting(site: Site, floor: Floor) -> None:
    try:
        await floor.waits_for_nobody()
    except StayedAwayError as problem:
        site.tally.stuck += 1
        site.broke(str(problem))


def _cases(place: Place) -> Iterator[tuple[Case, Attack]]:
    """Yield every attack on every channel; those that wait for a provider begin first."""
    centre = place.site.centre
    channels = dict.fromkeys(account.channel for account in centre.accounts if account.channel in TALKS)
    talks = [TALKS[channel] for channel in channels]
    for attacks in (attacks_on_sends if place.site.plays_providers else _none, attacks_of, _nonsense):
        for talk in talks:
            for name, attack in attacks(talk).items():
                yield Case(place, talk, centre.account(talk.channel), name), attack


def _nonsense(talk: Talk) -> dict[str, Attack]:
    del talk  # every provider's webhooks can be imitated
    return dict(NONSENSE)


def _none(talk: Talk) -> dict[str, Attack]:
    del talk
    return {}
