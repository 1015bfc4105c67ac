"""The promises of tests/promises.py, asked of the fakes."""

from collections.abc import Mapping

from tests.fakes.world import Centre
from tests.promises import Promise, Standing, breaches
from tests.promises import every_change_is_recorded as _every_change_is_recorded
from tests.promises import root as _root
from throughline.domain.identifiers import Home


def standing_of(centre: Centre, allowed: Mapping[str, int] | None = None) -> Standing:
    """Return what stands in a contact centre in memory."""
    return Standing(
        agents=centre.routing.agents,
        lives=centre.threads.lives.values(),
        archived=centre.threads.archived.values(),
        moves=centre.threads.moves,
        ready=centre.routing.ready.values(),
        waiting=centre.routing.waiting.values(),
        directory={(work_class, f"req#{name}") for work_class, name in centre.routing.directory},
        timers=[timer.work for timer in centre.timers.armed],
        connections=centre.connections.connections,
        changes=centre.threads.changes.values(),
        entries=centre.threads.entries.values(),
        allowed=allowed or {},
    )


def require(promise: Promise, centre: Centre, allowed: Mapping[str, int] | None = None) -> None:
    """Fail with what breaks the promise."""
    assert list(promise(standing_of(centre, allowed))) == []


def every_change_is_recorded(centre: Centre) -> None:
    """Fail with the changes that nobody knows of."""
    require(_every_change_is_recorded, centre)


def broken(centre: Centre) -> list[str]:
    """Return the names of the promises that do not hold."""
    return list(breaches(standing_of(centre)))


def root(centre: Centre, home: Home) -> Home:
    """Return where a home leads to."""
    found = _root(centre.threads.moves, home)
    assert found is not None, "homes point in a circle"
    return found
