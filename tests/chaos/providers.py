"""Providers at their worst, against any deployment, from the outside. docs/provider-chaos.md tells how to run it."""

import asyncio
from collections.abc import Iterator

from tests.chaos.options import Options
from tests.chaos.provider.attacks import Attack, attacks_of
from tests.chaos.provider.case import Case, attacked
from tests.chaos.provider.floor import Floor
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
            for case, attack in _cases(site, floor, options, number):
                running.create_task(begin(case, attack))


def _cases(site: Site, floor: Floor, options: Options, number: int) -> Iterator[tuple[Case, Attack]]:
    channels = dict.fromkeys(account.channel for account in site.centre.accounts if account.channel in TALKS)
    for channel in channels:
        account = site.centre.account(channel)
        for name, attack in attacks_of(TALKS[channel]).items():
            # Its own draws: what one case does depends on the seed alone, however they run side by side.
            chance = options.draws(f"providers/{channel}/{name}/{number}")
            yield Case(site, floor, TALKS[channel], account, name, chance), attack
