"""What a part of the chaos run tried, and what broke. docs/reliability.md tells what each column counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

COLUMNS: Mapping[str, str] = {
    "points": "points tried",
    "faults": "faults injected",
    "messages": "messages in",
    "entries": "entries",
    "offers": "offers",
    "sends": "sends",
    "lost": "lost",
    "doubled": "doubled",
    "stuck": "stuck",
    "over_capacity": "over capacity",
}
NAME_WIDTH = 12


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts of one part. `broken` has a sentence for everything that must not be, with what repeats it."""

    points: int = 0
    faults: int = 0
    messages: int = 0
    entries: int = 0
    offers: int = 0
    sends: int = 0
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    over_capacity: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Return whether every promise held."""
        return not (self.broken or self.lost or self.doubled or self.stuck or self.over_capacity)

    def add(self, other: "Tally") -> None:
        """Take in what another part of the run counted."""
        for column in fields(self):
            setattr(self, column.name, getattr(self, column.name) + getattr(other, column.name))


def header() -> str:
    """Return the first line of the table."""
    return " " * NAME_WIDTH + "".join(f"  {title}" for title in COLUMNS.values())


def row(name: str, tally: Tally) -> str:
    """Return a line of the table."""
    figures = (f"  {getattr(tally, column):>{len(title)}}" for column, title in COLUMNS.items())
    return f"{name:<{NAME_WIDTH}}" + "".join(figures)
