"""What `make demo` tells is true: on the durable engine and on the one in memory."""

import asyncio
from pathlib import Path

import pytest

from infra.local.demo import tell
from infra.local.demo_people import Story
from infra.local.stack_process import StackProcess


@pytest.mark.parametrize("engine", ["ministack", "moto"])
def test_the_demo_misses_nothing(engine: str, tmp_path: Path) -> None:
    story = Story()
    with StackProcess(tmp_path, {"ENGINE": engine, "FUNCTIONS_LOG": "-"}) as process:
        asyncio.run(tell(process.client(), story))
        assert process.stop() == 0
    assert story.missing == []
    assert [] == [line for line in process.log if "Traceback" in line]
