import subprocess
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields

import pytest

from functions import _wiring
from functions._wiring import signing_keys, use_world, world
from throughline.domain.errors import ConfigurationError
from throughline.settings import Environment, variable_of
from throughline.store.threads import DynamoThreads


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    cached = [
        item for item in vars(_wiring).values() if hasattr(item, "cache_clear") and item.__module__ == _wiring.__name__
    ]
    for item in cached:
        item.cache_clear()
    yield
    for item in cached:
        item.cache_clear()
    use_world(None)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> None:
    for item in fields(Environment):
        if item.default is MISSING:
            monkeypatch.setenv(variable_of(item), f"https://{item.name}.test")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


@pytest.mark.usefixtures("stage")
def test_the_world_is_made_of_aws_once_and_without_a_request() -> None:
    first = world()

    assert isinstance(first.threads, DynamoThreads)
    assert world() is first
    assert first.public_url == "https://public_url.test"
    assert first.clock() > 1_763_800_000_000
    assert len({first.draw() for _ in range(9)}) == 9
    assert {len(first.draw()) for _ in range(9)} == {16}


def test_an_incomplete_environment_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THREADS_TABLE", raising=False)

    with pytest.raises(ConfigurationError, match="THREADS_TABLE"):
        world()


@pytest.mark.usefixtures("stage")
def test_a_test_can_put_a_world_of_its_own_in_place_with_keys_of_its_own() -> None:
    deployed, keys = world(), signing_keys()
    use_world(deployed)

    assert world() is deployed
    assert signing_keys() is not keys


def test_importing_the_wiring_builds_and_imports_nothing_of_aws() -> None:
    code = "import sys, functions._wiring; print({'botocore', 'pynamodb', 'urllib3', 'jwt'} & set(sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )

    assert answer.stdout.strip() == "set()"
