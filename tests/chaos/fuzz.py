"""Every parser under the coverage-guided fuzzer: declared errors only, no hang, no secret told.

Bounded by runs and not by time, so a seed repeats it. Where atheris has no wheels the same targets run under
Hypothesis: the same inputs to begin with and the same changes to them, without coverage to guide them.
"""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from infra.local.deployed import ROOT
from tests.chaos.fuzzing import TARGETS
from tests.chaos.fuzzing.target import Attempt, findings_of
from tests.chaos.mutations import mutated
from tests.chaos.options import Options
from tests.chaos.tally import Tally

SHORT_RUNS, FULL_RUNS = 2_000, 30_000
SHORT_EXAMPLES, FULL_EXAMPLES = 200, 5_000
WORKERS = 2
PATIENCE_S = 3600

_EXECUTED = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_ERROR = re.compile(r"^\s*(?:\w+\.)*(\w+(?:Error|Exception|Warning|Interrupt)\b.*)$", re.MULTILINE)


def run(options: Options) -> Tally:
    """Fuzz every target with what belongs to the seed."""
    if importlib.util.find_spec("atheris") is None:
        print("fuzz: atheris is not here, so Hypothesis runs the same targets, not guided by coverage", flush=True)
        return _under_hypothesis(options)
    return _under_atheris(options)


# ---------------------------------------------------------------- guided


def _under_atheris(options: Options) -> Tally:
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for name in TARGETS:
            _write_seeds(Path(folder), name)
        runs = SHORT_RUNS if options.short else FULL_RUNS
        names = sorted(TARGETS, key=lambda name: (TARGETS[name].cost, name))
        workers = [_start(folder, runs, options.seed, names[part::WORKERS]) for part in range(WORKERS)]
        for worker in workers:
            worker.wait(PATIENCE_S)
        for name in TARGETS:
            _count(name, Path(folder), tally)
    return tally


def _write_seeds(folder: Path, name: str) -> None:
    corpus = folder / name.replace("/", "_") / "corpus"
    corpus.mkdir(parents=True)
    for number, content in enumerate(TARGETS[name].seeds()):
        (corpus / f"{number:04d}").write_bytes(content)


def _start(folder: str, runs: int, seed_number: int, names: Sequence[str]) -> "subprocess.Popen[bytes]":
    paths = os.pathsep.join([str(ROOT), str(ROOT / "layers/core/python"), os.environ.get("PYTHONPATH", "")])
    # libFuzzer takes 0 for "draw one"
    command = [sys.executable, "-m", "tests.chaos.fuzz_child", folder, str(runs), str(seed_number % 2**31 or 1), *names]
    with Path(folder, f"worker-{names[0].replace('/', '_')}.log").open("wb") as log:
        return subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": paths}, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )


def _count(name: str, folder: Path, tally: Tally) -> None:
    log = folder / name.replace("/", "_") / "log"
    told = "\n".join(path.read_text(errors="replace") for path in ([log] if log.exists() else folder.glob("worker-*")))
    executed = _EXECUTED.search(told)
    tally.points += int(executed[1]) if executed else 0
    if "Done " not in told:
        first = _ERROR.search(told)
        saved = re.search(r"Test unit written to (\S+)", told)
        where = Path(saved[1]).relative_to(ROOT) if saved else "no input was saved"
        tally.broken.append(f"fuzz {name}: {first[1] if first else told[-300:]} ({where})")
    _forget_if_empty(findings_of(name))


def _forget_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


# ---------------------------------------------------------------- not guided


def _under_hypothesis(options: Options) -> Tally:
    tally = Tally()
    for name, target in TARGETS.items():
        examples = (SHORT_EXAMPLES if options.short else FULL_EXAMPLES) // target.cost
        problem = try_target(name, target.prepare(), list(target.seeds()), examples=examples, seed_number=options.seed)
        tally.points += examples
        if problem:
            tally.broken.append(problem)
    return tally


def try_target(name: str, attempt: Attempt, seeds: Sequence[bytes], *, examples: int, seed_number: int) -> str | None:
    """Return what broke a target and where the input was kept, or None."""
    last = b""

    @seed(seed_number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(seeds), st.integers(0, 2**32), st.integers(1, 3))
    def changed_input_is_read(good: bytes, number: int, changes: int) -> None:
        nonlocal last
        chance, last = Random(number), good
        for _ in range(changes):
            last = mutated(last, chance)
        attempt(last)

    try:
        changed_input_is_read()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        kept = keep(name, last)
        return f"fuzz {name}: {type(error).__name__}: {error} ({kept.relative_to(ROOT)})"
    return None


def keep(name: str, data: bytes) -> Path:
    """Keep an input that broke a target where the tests find it, and return the file."""
    folder = findings_of(name)
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"crash-{sha1(data, usedforsecurity=False).hexdigest()}"  # as the fuzzer calls it
    place.write_bytes(data)
    return place
