"""Record every scenario anew: ``python -m tests.recordings``. docs/desk.md says what the recordings are for."""

from pathlib import Path

from tests.recordings import agents, visitors
from tests.recordings.tape import Scenario, recording

RECORDED = Path(__file__).parents[2] / "desk/tests/recorded"


def named() -> dict[str, Scenario]:
    """Return the scenarios by the names of their files."""
    return {f"{scenario.__name__}.json": scenario for scenario in (*agents.SCENARIOS, *visitors.SCENARIOS)}


def record_all() -> None:
    """Write every recording, and take away what no scenario makes any more."""
    RECORDED.mkdir(exist_ok=True)
    for path in RECORDED.iterdir():
        if path.name not in named():
            path.unlink()
    for name, scenario in named().items():
        (RECORDED / name).write_text(recording(scenario), encoding="utf-8")


if __name__ == "__main__":
    record_all()
