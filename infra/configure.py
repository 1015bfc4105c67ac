"""Check and apply the configuration of a contact centre: `python -m infra.configure --help`.

Nothing is written unless the whole file is right. Exit code 0 if it was done, 1 if not.
"""

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from infra.addresses import is_web_address
from infra.configuration.apply import Applied, Request, apply, rollback, settled
from infra.configuration.check import Checked, check_file
from infra.configuration.differences import differences
from infra.configuration.render import as_text
from infra.configuration.schema import LOCAL_STAGE, is_parameter_name
from infra.configuration.stages import Stage, now_ms
from throughline.domain.errors import ConfigurationError, ThroughlineError
from throughline.store.settings import Version

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# What a stack on this machine takes; a real account's region and credentials come from the environment as always.
_LOCAL_ENVIRONMENT = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
_LISTED = 20
_ENDPOINT_ADVICE = "give the address that `make run` prints as `AWS engine`: ENDPOINT=http://… (--endpoint http://…)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    given = _parser().parse_args(arguments)
    try:
        _use_endpoint(given)
        return COMMANDS[given.command](given)
    except (ThroughlineError, ConfigurationError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.configure", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--stage", default="dev", help="the stage it is about (dev)")
    common.add_argument("--endpoint", help="where AWS is answered for, if not by AWS: http://127.0.0.1:4566")
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


def _use_endpoint(given: argparse.Namespace) -> None:
    endpoint = given.endpoint or os.environ.get("AWS_ENDPOINT_URL")
    if not endpoint and given.stage == LOCAL_STAGE and given.command != "check":
        raise ConfigurationError(f"stage {LOCAL_STAGE} is on this machine; {_ENDPOINT_ADVICE}")
    if not endpoint:
        return
    if not is_web_address(endpoint):
        raise ConfigurationError(f"{endpoint!r} is no address of an AWS engine; {_ENDPOINT_ADVICE}")
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    if urlsplit(endpoint).hostname not in _LOOPBACK:
        return
    # The local stage is always the same account: what an operator has set up for a real one leads elsewhere.
    chosen = _LOCAL_ENVIRONMENT if given.stage == LOCAL_STAGE else _LOCAL_ENVIRONMENT | os.environ
    os.environ.update(chosen)
    if given.stage == LOCAL_STAGE:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            os.environ.pop(name, None)


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
