"""``make chaos``: attack every promise, print what was tried, exit non-zero when one did not hold.

``SEED=7 make chaos`` repeats a run, ``PARTS="races kills"`` runs some parts, ``SHORT=1`` the form that CI runs.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from tests.chaos.options import Options
from tests.chaos.tally import Tally, header, row

Part = Callable[[Options], Tally]

# a module here that has `run` → what it attacks
PARTS: Mapping[str, str] = {
    "faults": "every path, with everything that can befall each of its requests to AWS",
    "races": "one engine, by processes that write, come, go and die at the same instant",
    "burst": "fifty times the normal traffic, with a customer and accounts that flood",
    "providers": "everything a provider can do but deliver each message once and in order",
    "fuzz": "every parser, with whatever leads it somewhere new",
    "kills": "kill -9 of the whole stack under load, again and again",
}


def main(arguments: Sequence[str]) -> int:
    """Run the parts that were asked for and report."""
    asked = _read(arguments)
    options = Options(seed=asked.seed, short=asked.short)
    print(f"seed {options.seed}{', the short form' if options.short else ''}", flush=True)
    tallies = {name: _run(name, options) for name in asked.parts}
    return _report(tallies, options)


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or random.randrange(10**6)))
    parser.add_argument("--short", action="store_true", default=os.environ.get("SHORT") == "1")
    parser.add_argument("parts", nargs="*", default=os.environ.get("PARTS", "").split() or [*PARTS])
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.parts if name not in PARTS]:
        parser.error(f"no part is called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return asked


def _run(name: str, options: Options) -> Tally:
    print(f"{name}: {PARTS[name]}", flush=True)
    begun = time.monotonic()
    part: Part = import_module(f"tests.chaos.{name}").run
    tally = part(options)
    print(f"{name}: {'sound' if tally.sound else 'BROKEN'} after {time.monotonic() - begun:.0f} s", flush=True)
    return tally


def _report(tallies: Mapping[str, Tally], options: Options) -> int:
    total = Tally()
    print("\n" + header())
    for name, tally in tallies.items():
        print(row(name, tally))
        total.add(tally)
    print(row("all", total))
    for sentence in total.broken:
        print(f"BROKEN  {sentence}")
    if total.sound:
        return 0
    failed = " ".join(name for name, tally in tallies.items() if not tally.sound)
    print(f'repeat it: SEED={options.seed}{" SHORT=1" if options.short else ""} PARTS="{failed}" make chaos')
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
