"""``make bench``: print every figure beside its goal and the textbook's, and write them to build/bench.jsonl.

A figure is counted from real requests, bytes or elements of a page, the same on every run; DESK.task alone is time.
Missing a goal is told, not hidden; it fails nothing.
"""

import json
from pathlib import Path

from tests.benchmarks.cost import Desk, Figure, measure
from tests.benchmarks.decisions import measure_decisions
from tests.benchmarks.desk import measure_desk
from tests.benchmarks.stack import running_stack

OUTPUT = Path(__file__).resolve().parents[2] / "build/bench.jsonl"
ROW = "{id:<14} {value:>7} {unit:<8} {goal:>6} {textbook:>9}  {verdict:<7} {note}"


def main() -> None:
    """Measure and report."""
    with running_stack() as stack:
        desk = Desk(stack)
        figures = [*measure(desk), *measure_decisions(desk)]
    figures += measure_desk()
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text("".join(json.dumps(_row(figure)) + "\n" for figure in figures), encoding="utf-8")
    print(
        ROW.format(
            id="figure",
            value="value",
            unit="unit",
            goal="goal",
            textbook="textbook",
            verdict="",
            note="what was counted",
        )
    )
    for figure in figures:
        print(_line(figure))


def _row(figure: Figure) -> dict[str, object]:
    return {"id": figure.id, "value": figure.value, "goal": figure.goal, "unit": figure.unit}


def _line(figure: Figure) -> str:
    missed = figure.goal is not None and figure.value > figure.goal
    return ROW.format(
        id=figure.id,
        value=f"{figure.value:g}",
        unit=figure.unit,
        goal=_told(figure.goal),
        textbook=_told(figure.textbook),
        verdict="missed" if missed else "",
        note=figure.note,
    ).rstrip()


def _told(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:g}"


if __name__ == "__main__":
    main()
