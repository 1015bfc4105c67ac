"""What did not get through: look at it, see the reason, drive it through again. `python -m infra.letters --help`.

Dead letters (inbound, outbound, timers, media), records that were refused, and webhooks that were kept. Nothing a
customer or an agent wrote is shown unless `--words` asks for it. Exit code 0 if it was done, 1 if not
or if something stays.
"""

import argparse
import getpass
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from infra.commands import carry_out, stage_options, use_endpoint
from infra.configuration.stages import now_ms
from infra.letters.letters import Letter
from infra.letters.office import SHELVES, Choice, Driven, Office
from throughline.domain.errors import ConflictError

_SHOWN_ID = 12


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    given = _parser().parse_args(arguments)

    def command() -> int:
        use_endpoint(given.stage, given.endpoint)
        return COMMANDS[given.command](Office(given.stage), given)

    return carry_out(command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.letters", description=__doc__)
    common = stage_options()
    common.add_argument("--from", dest="shelf", choices=SHELVES, help="only these: a queue's dead letters, or …")
    common.add_argument("--reason", default="", help="only those with this in their reason")
    common.add_argument("--at", default="", help="only those of a queue, a channel, or an account: whatsapp/sales")
    common.add_argument(
        "--day", type=_day, default="", help="only those that came on a day (UTC): 2026-11-25, or 2026-11"
    )
    worded = argparse.ArgumentParser(add_help=False)
    worded.add_argument("--words", action="store_true", help="with the body, which may hold what a person wrote")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="a line for each, oldest first", parents=[common, worded])
    shown = commands.add_parser("show", help="everything that is known of one", parents=[common, worded])
    shown.add_argument("id", help="its id, or enough of the beginning")
    again = commands.add_parser("redrive", help="send them back to where they failed", parents=[common])
    which = again.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?", help="one of them")
    which.add_argument("--all", action="store_true", help="all, or those that the options name")
    again.add_argument("--out-of-order", action="store_true", help="even before an earlier one of the same customer")
    away = commands.add_parser("discard", help="throw one away; it stays in the bucket with the note", parents=[common])
    away.add_argument("id")
    away.add_argument("--because", required=True, help="why, for those who ask later")
    away.add_argument("--by", default=getpass.getuser(), help="who does it (you)")
    return parser


def _day(given: str) -> str:
    if given and not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", given):
        raise argparse.ArgumentTypeError("write a day such as 2026-11-25, or a month: 2026-11")
    return given


def _choice(given: argparse.Namespace) -> Choice:
    shelves = (given.shelf,) if given.shelf else SHELVES
    return Choice(shelves=shelves, reason=given.reason, at=given.at, day=given.day)


def _list(office: Office, given: argparse.Namespace) -> int:
    with ExitStack() as exits:
        letters = [item.letter for item in office.find(exits, _choice(given))]
    header, *rows = _table(letters)
    print(header)
    for row, letter in zip(rows, letters, strict=True):
        print(f"{row}\n{letter.words}\n" if given.words else row)
    for queue, count in office.behind():
        print(f"{queue}: about {count} more behind these; SQS shows the first ten of a customer's")
    return 0


def _show(office: Office, given: argparse.Namespace) -> int:
    with ExitStack() as exits:
        letter = office.find_one(exits, given.id, _choice(given)).letter
    for name, value in _facts(letter).items():
        print(f"{name:<14}{value}")
    if given.words:
        print(f"\n{letter.words}")
    return 0


def _redrive(office: Office, given: argparse.Namespace) -> int:
    if given.all:
        stays = [_tell(driven) for driven in office.redrive_all(_choice(given))]
        print(f"{len(stays)} tried" if stays else "there is nothing to send back")
        return int(any(stays))
    with ExitStack() as exits:
        found = office.find_one(exits, given.id, _choice(given))
        if found.behind and not given.out_of_order:
            raise ConflictError(
                f"{found.behind[:_SHOWN_ID]} of the same customer comes before it: redrive or discard that one first, "
                "or say --out-of-order"
            )
        return int(_tell(found.redrive()))


def _tell(driven: Driven) -> bool:
    print(f"{driven.letter_id}  {driven.told}")
    return driven.stays


def _discard(office: Office, given: argparse.Namespace) -> int:
    with ExitStack() as exits:
        found = office.find_one(exits, given.id, _choice(given))
        found.discard({"because": given.because, "by": given.by, "discarded_ms": now_ms()})
    print(f"{found.letter.letter_id}  discarded; it stays in the bucket under discarded/")
    return 0


def _table(letters: Sequence[Letter]) -> list[str]:
    if not letters:
        return ["nothing is here"]
    rows = [("ID", "KIND", "AT", "CAME", "AGE", "TRIES", "WHAT", "WHOSE", "REASON"), *map(_row, letters)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]


def _row(letter: Letter) -> tuple[str, ...]:
    tries = letter.details.get("receive_count")
    return (
        letter.letter_id[:_SHOWN_ID],
        letter.kind,
        letter.at,
        _instant(letter.since_ms),
        _age(now_ms() - letter.since_ms),
        str(tries or "-"),
        letter.what,
        letter.whose,
        letter.reason,
    )


def _facts(letter: Letter) -> dict[str, str]:
    facts = {
        "id": letter.letter_id,
        "kind": letter.kind,
        "at": letter.at,
        "came": f"{_instant(letter.since_ms)} UTC, {_age(now_ms() - letter.since_ms)} ago",
        "what": letter.what,
        "whose": letter.whose,
        "reason": letter.reason,
    }
    return facts | {name: _plain(name, value) for name, value in letter.details.items() if value is not None}


def _plain(name: str, value: object) -> str:
    if isinstance(value, int) and name.endswith("_ms"):
        return f"{_instant(value)} UTC"
    return value if isinstance(value, str) else json.dumps(value)


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")


def _age(passed_ms: int) -> str:
    seconds = max(0, passed_ms // 1000)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


COMMANDS: Mapping[str, Callable[[Office, argparse.Namespace], int]] = {
    "list": _list,
    "show": _show,
    "redrive": _redrive,
    "discard": _discard,
}

if __name__ == "__main__":
    sys.exit(main())
