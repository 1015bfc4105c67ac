"""What the burst of `make chaos` measures: read from the engine's log, counted, and no clock asked."""

import json
from pathlib import Path
from typing import Any

from infra.local.redo_log import Entry, RedoLog
from tests.chaos._burst_history import History
from tests.chaos.burst import OF_ONE, Wait, excess_of, wait_of

QUEUE = ["000000000000", "us-east-1", "throughline-local-inbound.fifo"]
THREADS = ["000000000000", "us-east-1", "throughline-local-threads"]
HEAD = {"pk": {"S": "h-1"}, "sk": {"S": "live"}, "conv": {"S": "h-1.1"}, "score": {"N": "5"}, "turn": {"N": "1"}}
ENTRY = {"d": {"S": "inbound"}, "t": {"S": "a"}, "raw": {"B": "bm90aGluZw=="}}


def sent(text: str, group: str) -> Entry:
    message = {"id": text, "body": json.dumps({"event": {"text": text}}), "group_id": group}
    return ["sent", QUEUE, [message], {}, 1]


def received(text: str, times: int = 1) -> Entry:
    return ["received", QUEUE, [[text, "handle", times, 1.0]]]


def removed(*texts: str) -> Entry:
    return ["removed", QUEUE, list(texts)]


def head(state: str) -> Entry:
    return ["item", THREADS, "h-1", "live", {**HEAD, "state": {"S": state}}]


def history(folder: Path, *entries: Entry) -> History:
    path = folder / "redo.log"
    log = RedoLog(path, rewrite_after_bytes=10**9, sync=False)
    log.rewrite(entries)
    log.close()
    found = History(path)
    found.read_on()
    return found


def test_who_came_before_whom_and_went_before_whom_is_counted(tmp_path: Path) -> None:
    excess = f"{OF_ONE}, 1"
    found = history(
        tmp_path,
        sent(excess, "h-9"),
        sent("in a lane", "abc.0"),
        sent("mine", "h-1"),
        sent("younger", "h-2"),
        removed("younger"),
        removed("in a lane"),
        removed("mine"),
        removed(excess),
    )
    jobs = list(found.jobs.values())
    waits = {job.text: wait_of(job, jobs, excess_of(jobs)) for job in jobs}
    assert waits["mine"] == Wait(excess_before=2, excess_passed=1, overtaken=1)
    assert waits["younger"] == Wait(excess_before=2, excess_passed=0, overtaken=0)


def test_what_comes_again_after_a_failure_is_known(tmp_path: Path) -> None:
    found = history(tmp_path, sent("mine", "h-1"), received("mine"), received("mine", 2), removed("mine"))
    assert [(job.received, job.handled) for job in found.jobs.values()] == [(2, 4)]


def test_what_is_not_done_is_told_until_it_is(tmp_path: Path) -> None:
    entries: list[Any] = [sent("mine", "h-1"), head("queued"), head("offered")]
    assert len(list(history(tmp_path, *entries).unfinished())) == 2
    done = history(tmp_path, *entries, removed("mine"), head("active"), head("resolved"))
    assert list(done.unfinished()) == []
    assert (done.offers, done.contacts["h-1.1"].offered) == ({("h-1.1", 1)}, [3])


def test_an_entry_that_is_written_again_is_one_and_at_another_place_it_is_two(tmp_path: Path) -> None:
    def put(place: str) -> Entry:
        return ["item", THREADS, "h-1", f"entry#{place}", ENTRY]

    assert len(history(tmp_path, put("1"), put("1")).entries["a"]) == 1
    assert len(history(tmp_path, put("1"), put("2")).entries["a"]) == 2
