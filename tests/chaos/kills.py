"""``kill -9`` of the stack under load, again and again: what was acknowledged is there, and work goes on by itself.

The seed decides who is killed and when: the whole stack, the engine alone, or a stack that is still starting. What the
others do at that instant is the machine's.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.chaos._kill_agents import Worker
from tests.chaos._kill_audit import Writer, judge, judge_visitors, look, over_capacity, settled
from tests.chaos._kill_customers import Customer
from tests.chaos._kill_machine import Machine
from tests.chaos._kill_visitors import Visitor
from tests.chaos.options import Options
from tests.chaos.tally import Tally

AGENTS = ("ana", "budi", "sara")
CUSTOMERS = 6
VISITORS = 3
ROUNDS, SHORT_ROUNDS = 24, 3
UNDER_LOAD_S = (0.5, 3.0)
STARTING_S = (0.1, 3.0)
WITHOUT_ENGINE_S = 1.0
PATIENCE_S = 180.0
FILED_WITHIN = 40  # looks
THREADS = 32

Death = Callable[[Machine, random.Random], None]


def run(options: Options) -> Tally:
    """Kill; see that nothing acknowledged is lost or doubled and that everything comes to its end."""
    with tempfile.TemporaryDirectory(prefix="throughline-kills-") as folder:
        machine = Machine(Path(folder))
        try:
            return asyncio.run(_attack(machine, options))
        finally:
            machine.stop()


async def _attack(machine: Machine, options: Options) -> Tally:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    chance, tally = options.draws("kills"), Tally()
    customers = [Customer(machine, number, random.Random(chance.random())) for number in range(CUSTOMERS)]
    visitors = [Visitor(machine, number, random.Random(chance.random())) for number in range(VISITORS)]
    writers: list[Writer] = [*customers, *visitors]
    workers = [Worker(machine, name, random.Random(chance.random())) for name in AGENTS]
    deaths = _deaths(SHORT_ROUNDS if options.short else ROUNDS, chance)
    await asyncio.to_thread(machine.start)
    quiet = asyncio.Event()
    writing = [asyncio.create_task(writer.write_until(quiet)) for writer in writers]
    working = [asyncio.create_task(worker.work()) for worker in workers]
    try:
        for death in deaths:
            await _die(machine, death, chance, tally)
        await asyncio.sleep(chance.uniform(*UNDER_LOAD_S))
        quiet.set()
        for worker in workers:
            worker.quiet = True
        await asyncio.wait_for(asyncio.gather(*writing), PATIENCE_S)
        await _work_off(machine, writers, workers)
        for visitor in visitors:
            await visitor.look_again()
    finally:
        machine.over = True
        await asyncio.gather(*writing, *working)
    picture = await asyncio.to_thread(look, machine)
    judge(picture, writers, workers, tally)
    judge_visitors(picture, visitors, tally)
    webhooks = sum(customer.repeats for customer in customers)
    frames = sum(worker.repeats for worker in workers) + sum(visitor.repeats for visitor in visitors)
    print(f"  killed {tally.faults} times; {webhooks} webhooks and {frames} frames had to be sent again")
    seen = sum(len(visitor.thread) for visitor in visitors)
    print(f"  visitors wrote {sum(len(visitor.taken) for visitor in visitors)} messages and see {seen} entries")
    return tally


async def _die(machine: Machine, death: Death, chance: random.Random, tally: Tally) -> None:
    """Let it get some work done, kill it, start it again, and look whether anybody holds too much.

    A record is given up after eight deliveries, so no process may die eight times over its first batch: each lives
    until something new was filed, and a drawn time longer.
    """
    filed = len((await asyncio.to_thread(look, machine)).entries)
    for _ in range(FILED_WITHIN):
        if len((await asyncio.to_thread(look, machine)).entries) > filed:
            break
        await asyncio.sleep(0.2)
    await asyncio.sleep(chance.uniform(*UNDER_LOAD_S))
    await asyncio.to_thread(death, machine, chance)
    await asyncio.to_thread(machine.start)
    tally.points += 1
    tally.faults += 1 if death is _stack_dies else 2
    over = over_capacity(await asyncio.to_thread(look, machine))
    tally.over_capacity += len(over)
    tally.broken += over


async def _work_off(machine: Machine, customers: list[Writer], workers: list[Worker]) -> None:
    """Wait until everything has come to its end; what has not by then is told by the judge.

    Nobody helps, but for what was delivered eight times and died each time: that is driven through again once.
    """
    deadline, redriven = asyncio.get_running_loop().time() + PATIENCE_S, False
    while asyncio.get_running_loop().time() < deadline:
        picture = await asyncio.to_thread(look, machine)
        if settled(picture, customers, workers):
            return
        if picture.dead and not picture.waiting and not redriven:
            print(f"  {picture.dead} dead letters are driven through again")
            await asyncio.to_thread(machine.redrive)
            redriven = True
        await asyncio.sleep(0.5)


# ---------------------------------------------------------------- ways to die


def _deaths(rounds: int, chance: random.Random) -> list[Death]:
    """Return how it dies, round by round: each way at least once."""
    ways: list[Death] = [_stack_dies, _engine_dies_first, _dies_while_starting]
    drawn = [*ways, *chance.choices(ways, weights=(3, 1, 1), k=max(0, rounds - len(ways)))]
    chance.shuffle(drawn)
    return drawn


def _stack_dies(machine: Machine, _: random.Random) -> None:
    machine.kill()


def _engine_dies_first(machine: Machine, chance: random.Random) -> None:
    """Let the stack stand there without an engine for a while: it may acknowledge nothing."""
    machine.kill_engine()
    time.sleep(chance.uniform(0.1, WITHOUT_ENGINE_S))
    machine.kill()


def _dies_while_starting(machine: Machine, chance: random.Random) -> None:
    """Kill it, and kill the next one while it reads the redo log, makes its tables or meets its first work."""
    machine.kill()
    machine.begin()
    time.sleep(chance.uniform(*STARTING_S))
    machine.kill()
