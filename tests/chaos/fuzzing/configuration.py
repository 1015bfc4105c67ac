"""The file that a contact centre is configured with."""

from infra.configuration.check import check_text
from infra.local.centre import DEMO_FILE, read_centre
from tests.chaos.fuzzing.target import Attempt


def configuration_seeds() -> list[bytes]:
    queues = b"queues: {q: {offer: 15s, priority: 5 min, reopen: 7d}}"
    accounts = b"channel_accounts:\n  telegram/a: {address: a_bot, queue: q}"
    return [DEMO_FILE.read_bytes(), queues + b"\n" + accounts, b"[" * 2_000, b"a: &a [*a]\n"]


def configuration_attempt() -> Attempt:
    secrets = [secret for account in read_centre().accounts for secret in account.secrets.values()]

    def attempt(data: bytes) -> None:
        text = data.decode(errors="replace")
        checked = check_text(text, "local" if len(data) % 2 else "dev")
        told = " ".join(f"{problem.wrong} {problem.advice}" for problem in checked.problems)
        assert checked.configuration is not None or checked.problems
        assert not [secret for secret in secrets if secret in told]

    return attempt
