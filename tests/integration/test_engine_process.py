"""The engine as a process with a log: what it refuses to start on, and when it ends."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.engine import EngineStartError, start_engine
from infra.local.redo_log import DamagedLogError, RedoLog
from tests.integration.engines import GAPS, Machine, a_machine, items_of, key_of


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with a_machine(tmp_path / "state") as machine:
        yield machine


# The log


def test_a_torn_last_line_is_ignored(machine: Machine) -> None:
    for name in ("first", "second"):
        machine.aws.dynamodb.put_item(TableName=machine.table, Item=key_of("item", name))
    machine.engine.kill()
    machine.log.write_bytes(machine.log.read_bytes()[:-7])
    (machine.state_dir / "redo.new").write_bytes(b"a rewrite that a crash cut short")
    machine.start()
    assert [item["sk"]["S"] for item in items_of(machine.aws, machine.table, "item")] == ["first"]


def test_a_damaged_line_in_the_middle_stops_the_start(machine: Machine) -> None:
    machine.aws.dynamodb.put_item(TableName=machine.table, Item=key_of("item"))
    machine.engine.kill()
    lines = machine.log.read_bytes().splitlines(keepends=True)
    machine.log.write_bytes(b"".join([b"x" + lines[0][1:], *lines[1:]]))
    with pytest.raises(EngineStartError, match="line 1 is damaged"):
        start_engine("ministack", machine.state_dir, log_path=machine.state_dir / "engine.log")


def test_a_batch_comes_back_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "redo.log"
    log = RedoLog(path, rewrite_after_bytes=1000, sync=True)
    log.rewrite([["table", 1]])
    with log.batch():
        log.add("item", 1)
        log.add("item", 2)
    whole = path.read_bytes()
    assert list(log.replay()) == [["table", 1], ["item", 1], ["item", 2]]
    for length in range(len(whole) - 30, len(whole)):
        path.write_bytes(whole[:length])
        assert list(log.replay()) == [["table", 1]]
    path.write_bytes(whole[:-2] + b"\n" + whole)
    with pytest.raises(DamagedLogError):
        list(log.replay())
    log.close()


def test_an_engine_that_cannot_have_its_directory_or_port_says_so(machine: Machine, tmp_path: Path) -> None:
    words = tmp_path / "engine.log"
    with pytest.raises(EngineStartError, match="another engine uses"):
        start_engine("ministack", machine.state_dir, log_path=words)
    port = int(machine.engine.endpoint_url.rpartition(":")[2])
    with pytest.raises(EngineStartError, match=f"port {port}"):
        start_engine("ministack", None, port=port, log_path=words)


# The process


@pytest.mark.parametrize("kind", ["ministack", "moto"])
@pytest.mark.parametrize("thread", ["main", "another"])
def test_the_engine_dies_with_its_parent(kind: str, thread: str) -> None:
    program = (
        "import sys, threading, time\n"
        "from infra.local.engine import start_engine\n"
        "def start():\n"
        f"    print(start_engine({kind!r}, None).pid, flush=True)\n"
        "    time.sleep(600)\n"
        "start() if sys.argv[1] == 'main' else threading.Thread(target=start).start()\n"
    )
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", program, thread]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as parent:
        assert parent.stdout is not None
        engine = int(parent.stdout.readline())
        assert _is_alive(engine)
        parent.kill()
    for _ in range(500):
        if not _is_alive(engine):
            return
        time.sleep(0.02)
    pytest.fail("the engine outlived its parent by ten seconds")


def test_a_ministack_without_what_we_hook_does_not_start() -> None:
    program = (
        "from ministack.services import dynamodb, sqs\n"
        "del dynamodb._set_item, sqs._HANDLERS['SendMessage']\n"
        "from infra.local.ministack_hooks import check_hooks\n"
        "check_hooks()\n"
    )
    root = Path(__file__).resolve().parents[2]
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=False)
    assert outcome.returncode == 1
    assert "not in this ministack: ministack.services.dynamodb._set_item, sqs action SendMessage" in outcome.stderr


def test_every_known_gap_of_an_engine_is_documented() -> None:
    page = Path(__file__).parents[2].joinpath("docs/local-engine.md").read_text()
    tests = Path(__file__).parent.glob("test_engine_conformance*.py")
    source = "".join(path.read_text() for path in tests)
    for gaps in GAPS.values():
        for test, row in gaps.items():
            assert f"def {test}(" in source
            assert f"\n| {row} |" in page


def _is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    if Path("/proc/self").exists():  # a killed orphan may stay a zombie where nobody reaps
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
