"""What is wrong with a configuration file: where, what, and what to do. All of it is told at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing to change. `line` and `column` count from one; a warning does not keep the file from being applied."""

    line: int
    column: int
    wrong: str
    advice: str
    warning: bool = False

    def told(self, file: Path) -> str:
        """Return the line that is shown, in the form that editors turn into a link."""
        kind = "warning: " if self.warning else ""
        return f"{file}:{self.line}:{self.column}: {kind}{self.wrong}; {self.advice}"


class Mark(Protocol):
    """A place in a file, counted from zero."""

    @property
    def line(self) -> int:
        """Return the line."""
        ...

    @property
    def column(self) -> int:
        """Return the column."""
        ...


@dataclass(frozen=True, slots=True)
class Start:
    """The beginning of a file, or of a line."""

    line: int = 0
    column: int = 0


@dataclass(slots=True)
class Report:
    """The problems found so far."""

    found: list[Problem] = field(default_factory=list)

    def add(self, mark: Mark, wrong: str, advice: str) -> None:
        """Note something that has to be changed."""
        self.found.append(Problem(line=mark.line + 1, column=mark.column + 1, wrong=wrong, advice=advice))

    def warn(self, mark: Mark, wrong: str, advice: str) -> None:
        """Note something that looks unintended."""
        self.found.append(Problem(line=mark.line + 1, column=mark.column + 1, wrong=wrong, advice=advice, warning=True))

    @property
    def refused(self) -> bool:
        """Return whether anything found keeps the file from being applied."""
        return any(not problem.warning for problem in self.found)

    def sorted(self) -> Sequence[Problem]:
        """Return the problems in the order of the file."""
        return sorted(self.found)


def instead(word: str, known: Iterable[str]) -> str:
    """Return the advice for a word that is not among the known ones: the nearest of them, else all of them."""
    choices = sorted(known)
    if near := get_close_matches(word, choices, n=1):
        return f"did you mean {near[0]}?"
    return f"use one of: {', '.join(choices)}" if choices else "there is nothing to choose from yet"
