"""Targets under the fuzzer, each in a process of its own: `python -m tests.chaos.fuzz_child FOLDER RUNS SEED TARGET …`.

The fuzzer ends its process when it is done, and wants to see the code it runs as that is imported. So everything is
imported once here, and each target gets a fork. FOLDER/<target> has its seeds in `corpus` and takes what it says as
`log`; what broke it is put where findings are kept.
"""

import os
import sys
from pathlib import Path
from random import Random

import atheris

from tests.chaos.mutations import mutated

with atheris.instrument_imports(include=["throughline", "functions", "infra.configuration"]):
    from tests.chaos.fuzzing import TARGETS
    from tests.chaos.fuzzing.target import findings_of

SHARE_OF_STRUCTURE = 0.7
MAX_INPUT_BYTES = 40_000
HANGS_AFTER_S = 10


def main() -> None:
    """Fuzz one target after the other; how each ended stands in its log."""
    _, folder, runs, seed, *targets = sys.argv
    for target in targets:
        place = Path(folder, target.replace("/", "_"))
        child = os.fork()
        if not child:
            _fuzz(target, place, int(runs) // TARGETS[target].cost, int(seed))
        os.waitpid(child, 0)


def _fuzz(target: str, place: Path, runs: int, seed: int) -> None:
    log = os.open(place / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    found = findings_of(target)
    found.mkdir(parents=True, exist_ok=True)
    options = {
        "runs": runs,
        "seed": seed,
        "max_len": MAX_INPUT_BYTES,
        "timeout": HANGS_AFTER_S,
        "print_final_stats": 1,
        "artifact_prefix": f"{found}/",
    }
    arguments = [target, *(f"-{name}={value}" for name, value in options.items()), str(place / "corpus")]
    atheris.Setup(arguments, TARGETS[target].prepare(), custom_mutator=mutate, internal_libfuzzer=True)
    atheris.Fuzz()


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change one thing where the structure of the input is known, else bytes, as the fuzzer does by itself."""
    chance = Random(seed)
    if chance.random() < SHARE_OF_STRUCTURE:
        changed = mutated(data, chance)
        if len(changed) <= max_size:
            return changed
    return bytes(atheris.Mutate(data, max_size))


if __name__ == "__main__":
    main()
