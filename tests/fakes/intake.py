"""What was taken in, in memory."""

from collections import Counter

from throughline.domain.limits import window_of


class FakeIntake:
    """Intake that counts to the last event. `taken` has what each subject handed in, by window."""

    def __init__(self) -> None:
        self.taken: Counter[tuple[str, int]] = Counter()

    def take(self, subject: str, *, limit: int, at_ms: int) -> bool:
        """Take one event."""
        key = (subject, window_of(at_ms))
        if self.taken[key] >= limit:
            return False
        self.taken[key] += 1
        return True
