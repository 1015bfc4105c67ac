"""`python -m infra.local.post CHANNEL TEXT`: a customer writes. The webhook is signed as the provider would sign it."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from infra.local.centre import Account, Centre, read_centre
from infra.local.client import NoStackError, StackClient
from infra.local.options import centre_file
from infra.local.signing import UnknownChannelError
from infra.local.webhooks import Sender, sender_for, text_webhook


def main(arguments: Sequence[str] | None = None) -> int:
    """Post one message; return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        account = _account(read_centre(centre_file()), given.channel)
        usual = sender_for(account.channel)
        sender = Sender(number=given.sender or usual.number, name=given.name or usual.name)
        written_to = replace(account, address=given.to or account.address)
        answer = StackClient.find().post_webhook(account, text_webhook(written_to, sender, given.text))
    except (NoStackError, UnknownChannelError, LookupError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{answer.status} {answer.body.decode(errors='replace')}".rstrip())
    return 0 if answer.status < HTTPStatus.MULTIPLE_CHOICES else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local.post", description=__doc__)
    parser.add_argument("channel", help="a channel, or one account of it: whatsapp, whatsapp/sales")
    parser.add_argument("text", help="what the customer writes")
    parser.add_argument("--sender", type=_number, help="their number, or chat id on Telegram (70011, +14155550142)")
    parser.add_argument("--to", help="another number or bot behind the same webhook, configured or not")
    parser.add_argument("--name", help="what they call themselves (Mina)")
    return parser


def _number(given: str) -> str:
    if not given.removeprefix("+").isdecimal():
        raise argparse.ArgumentTypeError("write a number such as 70011 or +14155550142")
    return given


def _account(centre: Centre, wanted: str) -> Account:
    channel, _, name = wanted.partition("/")
    for account in centre.accounts:
        if account.channel == channel and name in ("", account.name):
            return account
    known = ", ".join(f"{account.channel}/{account.name}" for account in centre.accounts)
    raise LookupError(f"there is no channel account {wanted}; there are {known}")


if __name__ == "__main__":
    sys.exit(main())
