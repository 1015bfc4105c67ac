"""Providers at their worst, against any deployment, from the outside. docs/provider-chaos.md tells how to run it."""

import asyncio
from collections.abc import Iterator

from tests.chaos.options import Options
from tests.chaos.provider.attacks import attacks_of
from tests.chaos.provider.case import Attack, Case, Place, attacked
from tests.chaos.provider.floor import Floor
from tests.chaos.provider.nonsense import NONSENSE
from tests.chaos.provider.sends import attacks_on_sends
from tests.chaos.provider.site import Site, attacked_site, environment
from tests.chaos.talks import TALKS
from tests.chaos.tally import Tally

FULL_ROUNDS = 4


def run(options: Options) -> Tally:
    """Attack every channel that the deployment has an account of, and that can be made to talk."""
    with attacked_site(environment(), short=options.short) as site:
        asyncio.run(_attack(site, options))
        return site.tally


async def _attack(site: Site, options: Options) -> None:
    room = asyncio.Semaphore(site.at_once)

    async def begin(case: Case, attack: Attack) -> None:
        async with room:
            await attacked(case, attack)

    for number in range(1 if options.short else FULL_ROUNDS):
        async with Floor(site) as floor, asyncio.TaskGroup() as running:
            place = Place(site=site, floor=floor, options=options, round=number)
            for case, attack in _cases(place):
                running.create_task(begin(case, attack))


def _cases(place: Place) -> Iterator[tuple[Case, Attack]]:
    site = place.site
    channels = dict.fromkeys(account.channel for account in site.centre.accounts if account.channel in TALKS)
    for channel in channels:
        account = site.centre.account(channel)
        on_sends = attacks_on_sends(TALKS[channel]) if site.plays_providers else {}
        for name, attack in {**on_sends, **attacks_of(TALKS[channel]), **NONSENSE}.items():
            yield Case(place, TALKS[channel], account, name), attack
