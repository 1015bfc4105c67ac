"""Check and apply the configuration of a contact centre: `python -m infra.configure --help`.

Nothing is written unless the whole file is right. Exit code 0 if it was done, 1 if not.
"""

import argparse
import getpass
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from infra.commands import carry_out, stage_options, use_endpoint
from infra.configuration.apply import Applied, Request, apply, rollback, settled
from infra.configuration.check import Checked, check_file
from infra.configuration.differences import differences
from infra.configuration.render import as_text
from infra.configuration.schema import is_parameter_name
from infra.configuration.stages import Stage, now_ms
from throughline.store.settings import Version

_LISTED = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    given = _parser().parse_args(arguments)

    def command() -> int:
        use_endpoint(given.stage, given.endpoint, needed=given.command != "check")
        return COMMANDS[given.command](given)

    return carry_out(command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.configure", description=__doc__)
    common = stage_options()
    signed = argparse.ArgumentParser(add_help=False)
    signed.add_argument("--by", default=getpass.getuser(), help="who does it, for the history (you)")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, does, parents in (
        ("check", "tell every problem of a file", [common]),
        ("diff", "tell what applying a file would change", [common]),
        ("apply", "put a file in force", [common, signed]),
    ):
        command = commands.add_parser(name, help=does, parents=parents)
        command.add_argument("file", type=Path)
        if name == "apply":
            command.add_argument("--comment", default="", help="why, for the history")
    shown = commands.add_parser("show", help="print the configuration in force as a file", parents=[common])
    shown.add_argument("--version", type=int, help="an earlier one instead")
    commands.add_parser("history", help="list the last versions", parents=[common])
    back = commands.add_parser("rollback", help="put an earlier version in force again", parents=[common, signed])
    back.add_argument("number", type=int)
    secret = commands.add_parser("set-secret", help="read a secret from standard input", parents=[common])
    secret.add_argument("name")
    return parser


def _check(given: argparse.Namespace) -> int:
    checked = _checked(given)
    if checked.configuration is None:
        return 1
    print(f"{given.file} is right for stage {given.stage}")
    return 0


def _checked(given: argparse.Namespace) -> Checked:
    checked = check_file(given.file, given.stage)
    for problem in checked.problems:
        print(problem.told(given.file), file=sys.stderr)
    return checked


def _diff(given: argparse.Namespace) -> int:
    checked = _checked(given)
    if checked.configuration is None:
        return 1
    current = Stage.open(given.stage).configurations.get_current()
    wanted = settled(given.stage, current.configuration, checked.configuration)
    _tell_changes(differences(current.configuration, wanted), current.number)
    return 0


def _apply(given: argparse.Namespace) -> int:
    checked = _checked(given)
    if checked.configuration is None:
        print("nothing was applied", file=sys.stderr)
        return 1
    request = Request(configuration=checked.configuration, by=given.by, at_ms=now_ms(), comment=given.comment)
    _tell_applied(apply(Stage.open(given.stage), request, checked.local_secrets), given.stage)
    return 0


def _rollback(given: argparse.Namespace) -> int:
    _tell_applied(rollback(Stage.open(given.stage), given.number, by=given.by, at_ms=now_ms()), given.stage)
    return 0


def _show(given: argparse.Namespace) -> int:
    configurations = Stage.open(given.stage).configurations
    version = configurations.get_current() if given.version is None else configurations.get_version(given.version)
    print(f"# {_told(version)}\n{as_text(version.configuration)}", end="")
    return 0


def _history(given: argparse.Namespace) -> int:
    for version in Stage.open(given.stage).configurations.list_versions(limit=_LISTED):
        print(_told(version))
    return 0


def _set_secret(given: argparse.Namespace) -> int:
    if not is_parameter_name(given.name):
        print("error: a secret is named like telegram/demo/bot_token", file=sys.stderr)
        return 1
    value = getpass.getpass("value: ") if sys.stdin.isatty() else sys.stdin.read().rstrip("\r\n")
    if not value:
        print("error: there was no value on standard input", file=sys.stderr)
        return 1
    Stage.open(given.stage).parameters.put(given.name, value)
    print(f"{given.name} is set; functions see it within five minutes")
    return 0


def _tell_applied(applied: Applied, stage: str) -> None:
    _tell_changes(applied.changes, applied.number)
    if applied.changes:
        print(f"version {applied.number} is in force for stage {stage}")
    if applied.agents:
        print(f"routing looks at {', '.join(applied.agents)} again in a quarter of a minute")
    for name in applied.missing_secrets:
        print(f"{name} has no value yet: .venv/bin/python -m infra.configure set-secret {name} --stage {stage}")


def _tell_changes(changes: Sequence[str], number: int) -> None:
    for line in changes or [f"nothing changed; version {number} is in force"]:
        print(line)


def _told(version: Version) -> str:
    if not version.number:
        return "no version was ever applied"
    at = datetime.fromtimestamp(version.at_ms / 1000, tz=UTC).isoformat(sep=" ", timespec="seconds")
    return f"version {version.number}, {at}, by {version.by}{f': {version.comment}' if version.comment else ''}"


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "check": _check,
    "diff": _diff,
    "apply": _apply,
    "rollback": _rollback,
    "show": _show,
    "history": _history,
    "set-secret": _set_secret,
}

if __name__ == "__main__":
    sys.exit(main())
