"""What is fuzzed keeps its promises on what it begins with, on what broke it once, and on a few changes."""

from pathlib import Path
from random import Random

import pytest

from tests.chaos.fuzz import keep, try_target
from tests.chaos.fuzzing import TARGETS
from tests.chaos.fuzzing.target import FINDINGS, findings_of
from tests.chaos.mutations import each_leaf_changed, leaves, mutated, replaced, without
from throughline.channels import WEBHOOK_CHANNELS

FOUND = [(name, path) for name in TARGETS for path in sorted(findings_of(name).glob("*"))]

each_target = pytest.mark.parametrize("name", list(TARGETS))


def test_every_channel_is_fuzzed() -> None:
    assert {f"webhook/{channel}" for channel in WEBHOOK_CHANNELS} <= TARGETS.keys()


@each_target
def test_good_input_is_read(name: str) -> None:
    attempt, seeds = TARGETS[name].prepare(), list(TARGETS[name].seeds())
    assert seeds
    for seed in seeds:
        attempt(seed)


@each_target
def test_changed_input_is_read_or_refused(name: str) -> None:
    target = TARGETS[name]
    assert try_target(name, target.prepare(), list(target.seeds()), examples=100 // target.cost, seed_number=1) is None


@pytest.mark.parametrize(("name", "path"), FOUND, ids=[f"{name}/{path.name}" for name, path in FOUND])
def test_what_was_found_once_is_mended(name: str, path: Path) -> None:
    TARGETS[name].prepare()(path.read_bytes())


def test_every_finding_belongs_to_a_target() -> None:
    assert {path.name for path in FINDINGS.iterdir()} <= {findings_of(name).name for name in TARGETS}


def test_a_finding_is_told_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.chaos.fuzzing.target.FINDINGS", tmp_path)
    monkeypatch.setattr("tests.chaos.fuzz.ROOT", tmp_path)

    def attempt(data: bytes) -> None:
        if b"null" in data:
            raise KeyError("id")

    told = try_target("job/inbound", attempt, [b'{"id": 1}'], examples=200, seed_number=1)
    (kept,) = (tmp_path / "job_inbound").iterdir()
    assert told == f"fuzz job/inbound: KeyError: 'id' (job_inbound/{kept.name})"
    assert b"null" in kept.read_bytes()
    assert keep("job/inbound", kept.read_bytes()) == kept


def test_each_leaf_of_a_body_is_replaced() -> None:
    body = {"a": [{"b": 1}], "c": "d"}
    assert [("a",), ("a", 0), ("a", 0, "b"), ("c",)] == list(leaves(body))
    assert {"a": [{"b": None}], "c": "d"} == replaced(body, ("a", 0, "b"), None)
    assert {"a": [], "c": "d"} == without(body, ("a", 0))
    changed = [set(each_leaf_changed(b'{"c": "d", "e": 1}', Random(seed))) for seed in range(300)]
    assert {2} == set(map(len, changed))
    assert {b'{"c": null, "e": 1}', b'{"c": "d", "e": []}', b'{"e": 1}'} <= set().union(*changed)


def test_each_field_of_a_form_is_replaced() -> None:
    changed = [list(each_leaf_changed(b"From=%2B1&To=2", Random(seed))) for seed in range(300)]
    assert {2} == set(map(len, changed))
    assert {b"To=2", b"From=%2B1&From=%2B1&To=2", b"From=&To=2", b"From=%2B1&To=%00"} <= set().union(*changed)


def test_a_change_repeats_itself_and_leaves_the_head_alone() -> None:
    content = b'POST /x\nA: b\n\n{"id": 1, "items": [1, 2]}'
    changed = {mutated(content, Random(seed)) for seed in range(20)}
    assert all(item.startswith(b"POST /x\nA: b\n\n") for item in changed)
    assert changed == {mutated(content, Random(seed)) for seed in range(20)}
    assert len(changed) > 10
