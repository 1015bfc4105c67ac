"""What a chaos run is asked for."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`seed` repeats a run. `short` is the form that CI runs: the same attacks, fewer rounds."""

    seed: int
    short: bool

    def draws(self, part: str) -> random.Random:
        """Return the source of chance of one part: the same for a seed, whatever other parts run."""
        return random.Random(f"{self.seed}/{part}")
