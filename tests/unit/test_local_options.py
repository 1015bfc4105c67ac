"""What the stack on one machine is told by its environment, and what it says to nonsense."""

from pathlib import Path

import pytest

from infra.local.client import StackClient
from infra.local.demo import running_stack
from infra.local.options import BadOptionError, Options
from infra.local.state_directory import held


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PROVIDER_BASES", "x"),
        ("PROVIDER_BASES", "[]"),
        ("PROVIDER_BASES", '{"https://api.telegram.org": 7}'),
        ("PROVIDER_BASES", '{"https://api.telegram.org": "nowhere"}'),
        ("LOG_LEVEL", "LOUD"),
        ("LOCAL_LOG_LEVEL", "LOUD"),
        ("PUBLIC_URL", "nonsense"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://desk.example.com?x=1"),
        ("PUBLIC_URL", "http://["),
        ("AWS_ENDPOINT_URL", "127.0.0.1:4566"),
    ],
)
def test_nonsense_is_refused_in_one_sentence_that_says_what_to_write(name: str, text: str) -> None:
    with pytest.raises(BadOptionError, match=rf"^{name} is .*; set it to [^\n]*$"):
        Options.read({name: text})


def test_what_makes_sense_is_taken() -> None:
    options = Options.read({"PUBLIC_URL": "https://desk.example.com/", "PROVIDER_BASES": "{}", "LOG_LEVEL": "debug"})
    assert ("https://desk.example.com", "{}", "DEBUG") == (
        options.public_url,
        options.provider_bases,
        options.functions_log_level,
    )


def test_one_stack_uses_a_state_directory_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path / "state"), pytest.raises(BadOptionError, match=r"^another stack uses STATE_DIR .*; stop it"):
        held(tmp_path / "state")
    with held(tmp_path / "state"):
        pass


def test_a_state_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadOptionError, match=r"cannot be written .*; set STATE_DIR to"):
        held(tmp_path / "file/state")


@pytest.mark.parametrize(
    ("environ", "used"),
    [({}, True), ({"ENGINE": ""}, True), ({"ENGINE": "ministack"}, True), ({"ENGINE": "moto"}, False)],
)
def test_the_demo_uses_a_running_stack_unless_another_engine_is_asked_for(
    environ: dict[str, str], used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = StackClient("http://127.0.0.1:8080", "http://127.0.0.1:8080", "ministack")
    monkeypatch.setattr(StackClient, "find", lambda _: runs)
    assert running_stack(environ) is (runs if used else None)


def test_the_demo_has_no_running_stack_where_none_answers() -> None:
    assert running_stack({"PORT": "1"}) is None
