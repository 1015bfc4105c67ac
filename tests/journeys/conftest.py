"""One stack for the journeys that do not break it."""

import sys
from collections.abc import Iterator

import pytest

from infra.local.client import StackClient
from infra.local.stack_process import StackProcess


@pytest.fixture(scope="session")
def stack_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackProcess]:
    with StackProcess(tmp_path_factory.mktemp("stack"), {"RECEIPTS_PACE_MS": "50", "FUNCTIONS_LOG": "-"}) as process:
        process.client()
        yield process


@pytest.fixture
def stack(stack_process: StackProcess) -> StackClient:
    return stack_process.client()


@pytest.fixture(autouse=True)
def stack_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Show what the shared stack printed during a test, where a failure shows what was captured."""
    process = request.getfixturevalue("stack_process") if "stack" in request.fixturenames else None
    seen = len(process.log) if process else 0
    yield
    if process:
        sys.stdout.write("\n".join(process.log[seen:]))
