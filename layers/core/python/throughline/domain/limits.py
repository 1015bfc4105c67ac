"""How much of what customers send is taken in: so many events in ten seconds from an account, and from each sender.

Many processes take in at once, and counting together costs each of them a write. So every process may take a little
without asking (`free_of`); beyond that it leases from the count they share, many at a time (`lease_of`).
"""

from dataclasses import dataclass

WINDOW_MS = 10_000
_FREE_SHARE = 8
_MOST_FREE = 20
_LEASE_SHARE = 16


def window_of(at_ms: int) -> int:
    """Return the number of the ten seconds that an instant falls into."""
    return at_ms // WINDOW_MS


def reopens_in_ms(at_ms: int) -> int:
    """Return how long it is until the next window, in which everybody may send again."""
    return WINDOW_MS - at_ms % WINDOW_MS


def free_of(limit: int) -> int:
    """Return how many events of a window one process may take without asking."""
    return min(limit // _FREE_SHARE, _MOST_FREE)


def lease_of(limit: int) -> int:
    """Return how many events a process asks for at once."""
    return max(1, limit // _LEASE_SHARE)


@dataclass(slots=True)
class Allowance:
    """What one process may still take of a subject in this window: first its free part, then what it has leased.

    `untold` is what it took for free and the shared count does not know yet; `closed` means that the limit is reached.
    """

    free: int
    leased: int = 0
    untold: int = 0
    closed: bool = False

    def spend(self) -> bool:
        """Take one event, if one is left."""
        if self.free > 0:
            self.free -= 1
            self.untold += 1
        elif self.leased > 0:
            self.leased -= 1
        else:
            return False
        return True

    def ask(self, limit: int) -> int:
        """Return what to add to the shared count: a lease, and what was taken without asking, which counts as told."""
        told, self.untold = self.untold, 0
        return lease_of(limit) + told

    def grant(self, used: int, limit: int) -> None:
        """Take over what is left of the limit for the lease that brought the shared count to `used`."""
        lease = lease_of(limit)
        self.leased += min(lease, max(0, limit - (used - lease)))
        self.closed = self.leased == 0
