"""The operator's command, from a file to what the functions read, on AWS in memory."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.configuration.apply import ANNOUNCE_DELAY_S, HOME_KEY, Request, apply, settled
from infra.configuration.check import check_text
from infra.configuration.own_keys import with_own_keys
from infra.configuration.stages import SsmParameters, Stage
from infra.configure import main
from tests.cloud import STAGE, Cloud, cloud
from tests.fakes.timers import FakeTimers
from throughline.aws.secrets import SsmSecrets
from throughline.domain.errors import StoreUnavailableError
from throughline.domain.identifiers import AgentId
from throughline.store.settings import CACHE_MS, DynamoConfigurations, DynamoSettings

ANA = AgentId("ana")
CENTRE = """\
skills: {en: English}
queues:
  support: {offer: 15s}
channel_accounts:
  telegram/demo:
    address: demo_bot
    queue: support
    secrets: {bot_token: telegram/demo/bot_token, webhook_secret: telegram/demo/webhook_secret}
agents:
  ana: {name: Ana, skills: {en: 5}, capacity: {chat: 3}}
  budi: {name: Budi, skills: {en: 3}, capacity: {chat: 3}}
"""
LOCAL = "local: {secrets: {telegram/demo/bot_token: made-up}}\n"


@pytest.fixture
def aws() -> Iterator[Cloud]:
    with cloud() as account:
        yield account


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "centre.yaml"
    path.write_text(CENTRE, encoding="utf-8")
    return path


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def run(*arguments: str | Path) -> int:
    return main([*map(str, arguments), "--stage", STAGE])


def settings(aws: Cloud) -> DynamoSettings:
    return DynamoSettings(aws.table("settings"), clock=lambda: 0)


def secrets(aws: Cloud) -> SsmSecrets:
    return SsmSecrets(aws.clients, f"/throughline/{STAGE}", clock=lambda: 0)


def announcements_waiting(aws: Cloud) -> int:
    answer = aws.clients.sqs.get_queue_attributes(
        QueueUrl=aws.queue_url("timers"), AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessagesDelayed"])


def test_what_was_applied_is_what_the_functions_read(
    aws: Cloud, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("apply", file) == 0
    assert settings(aws).get_queue("support").offer_s == 15
    assert settings(aws).find_agent_profile(ANA) is not None
    assert announcements_waiting(aws) == 2
    told = capsys.readouterr().out
    assert "+ queue support\n" in told
    assert f"version 1 is in force for stage {STAGE}\n" in told
    assert "telegram/demo/bot_token has no value yet" in told


def test_a_wrong_file_changes_nothing_and_fails(aws: Cloud, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(file, "offer: 15s", "offer: soon")
    assert run("apply", file) == 1
    assert settings(aws).find_queue("support") is None
    assert capsys.readouterr().err.startswith(f"{file}:3:20: this is not a duration")


def test_applying_the_same_again_writes_nothing(aws: Cloud, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("apply", file)
    capsys.readouterr()
    assert run("apply", file) == 0
    assert capsys.readouterr().out.splitlines()[0] == "nothing changed; version 1 is in force"
    assert announcements_waiting(aws) == 2
    assert len(DynamoConfigurations(aws.table("settings")).list_versions(limit=9)) == 1


def test_check_and_diff_tell_and_write_nothing(aws: Cloud, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (run("check", file), run("diff", file)) == (0, 0)
    assert "+ agent ana" in capsys.readouterr().out
    assert settings(aws).find_queue("support") is None
    edit(file, "queue: support", "queue: none")
    assert (run("check", file), run("diff", file)) == (1, 1)


def test_what_is_shown_can_be_applied_again(
    aws: Cloud, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("apply", file)
    capsys.readouterr()
    assert run("show") == 0
    assert settings(aws).find_queue("support") is not None
    shown = tmp_path / "shown.yaml"
    shown.write_text(capsys.readouterr().out, encoding="utf-8")
    assert run("apply", shown) == 0
    assert "nothing changed" in capsys.readouterr().out


def test_history_says_who_when_and_why_and_an_earlier_version_can_be_brought_back(
    aws: Cloud, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("apply", file, "--by", "omar", "--comment", "opening")
    edit(file, "offer: 15s", "offer: 40s")
    run("apply", file, "--by", "sara")
    assert settings(aws).get_queue("support").offer_s == 40
    assert run("rollback", "1", "--by", "omar") == 0
    assert settings(aws).get_queue("support").offer_s == 15
    capsys.readouterr()
    assert run("history") == 0
    newest, _, oldest = capsys.readouterr().out.splitlines()
    assert newest.startswith("version 3, ")
    assert newest.endswith("+00:00, by omar: rollback to version 1")
    assert oldest.endswith("by omar: opening")
    assert run("show", "--version", "2") == 0
    assert "offer: 40s" in capsys.readouterr().out


def test_there_is_no_way_back_to_a_version_that_never_was(aws: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("rollback", "7") == 1
    assert capsys.readouterr().err == "error: the configuration has no version 7\n"
    assert settings(aws).find_queue("support") is None


def test_a_secret_comes_from_standard_input_and_appears_nowhere(
    aws: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("7:a-token\n"))
    assert run("set-secret", "telegram/demo/bot_token") == 0
    assert secrets(aws).get_secret("telegram/demo/bot_token") == "7:a-token"
    assert "7:a-token" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("name", ["home-key", "7000:AAFabcdef", "deadbeefdeadbeefdeadbeefdeadbeef"])
def test_a_name_that_is_none_is_refused_without_reading_a_value(
    aws: Cloud, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    del aws
    assert run("set-secret", name) == 1
    assert "is named like" in capsys.readouterr().err


def test_an_empty_secret_is_refused(aws: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    del aws
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert run("set-secret", "telegram/demo/bot_token") == 1


def test_a_stage_that_was_never_deployed_is_told(aws: Cloud, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del aws
    assert main(["apply", str(file), "--stage", "nowhere"]) == 1
    assert "looking for the queue of timers of stage nowhere" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "nowhere.yaml"]) == 1
    assert "nowhere.yaml" in capsys.readouterr().err


# ---------------------------------------------------------------- what crosses a crash


class CrashingTimers(FakeTimers):
    """Timers that stop taking anything after the first."""

    def arm(self, work: Mapping[str, Any], *, delay_s: float) -> None:
        if self.armed:
            raise StoreUnavailableError("the machine went away")
        super().arm(work, delay_s=delay_s)


def stage(aws: Cloud, timers: FakeTimers) -> Stage:
    return Stage(
        name=STAGE,
        configurations=DynamoConfigurations(aws.table("settings")),
        timers=timers,
        parameters=SsmParameters(aws.clients, f"/throughline/{STAGE}"),
    )


def request(text: str = CENTRE) -> Request:
    configuration = check_text(text, STAGE).configuration
    assert configuration is not None
    return Request(configuration=configuration, by="omar", at_ms=1)


def test_an_announcement_that_a_crash_cut_off_is_made_by_the_next_apply(aws: Cloud) -> None:
    with pytest.raises(StoreUnavailableError):
        apply(stage(aws, CrashingTimers()), request())
    timers = FakeTimers()
    applied = apply(stage(aws, timers), request())
    assert (applied.number, applied.changes) == (1, [])
    assert [timer.work["agent"] for timer in timers.of_kind("agent_configured")] == ["ana", "budi"]


def test_an_announcement_cut_off_is_made_up_for_even_if_the_configuration_has_changed_since(aws: Cloud) -> None:
    apply(stage(aws, FakeTimers()), request())
    with pytest.raises(StoreUnavailableError):
        apply(stage(aws, CrashingTimers()), request(CENTRE.replace("chat: 3", "chat: 4")))
    timers = FakeTimers()
    without_ana = "\n".join(line for line in CENTRE.splitlines() if "Ana" not in line).replace("chat: 3", "chat: 4")
    apply(stage(aws, timers), request(without_ana))
    assert [timer.work["agent"] for timer in timers.armed] == ["ana", "budi"]


def test_only_agents_that_changed_are_announced_and_after_every_function_has_forgotten_the_old_version(
    aws: Cloud,
) -> None:
    apply(stage(aws, FakeTimers()), request())
    timers = FakeTimers()
    apply(stage(aws, timers), request(CENTRE.replace("name: Budi", "name: Budi S.")))
    (timer,) = timers.armed
    assert timer.work == {"kind": "agent_configured", "agent": "budi"}
    assert timer.delay_s == ANNOUNCE_DELAY_S > CACHE_MS / 1000


def test_the_key_of_homes_is_made_once_and_never_again(aws: Cloud) -> None:
    apply(stage(aws, FakeTimers()), request())
    first = secrets(aws).get_secret(HOME_KEY)
    apply(stage(aws, FakeTimers()), request(CENTRE.replace("15s", "20s")))
    assert len(first) == 64
    assert secrets(aws).get_secret(HOME_KEY) == first


def test_the_secrets_of_the_local_part_become_parameters(aws: Cloud) -> None:
    checked = check_text(CENTRE + LOCAL, "local")
    assert checked.configuration is not None
    wanted = Request(configuration=checked.configuration, by="omar", at_ms=1)
    applied = apply(stage(aws, FakeTimers()), wanted, checked.local_secrets)
    assert secrets(aws).get_secret("telegram/demo/bot_token") == "made-up"
    assert applied.missing_secrets == ["telegram/demo/webhook_secret"]


# ---------------------------------------------------------------- the stack on one machine

ISSUERS = """\
issuers:
  http://localhost/local: {audience: desk, jwks_url: "http://localhost/local/jwks.json"}
  https://issuer.test: {audience: desk, jwks_url: "https://issuer.test/keys"}
"""


def test_the_address_of_the_stacks_own_keys_stays_in_force_whatever_an_applied_file_says(aws: Cloud) -> None:
    local = replace(stage(aws, FakeTimers()), name="local")
    for port in (8080, 8081):
        own_keys = f"http://127.0.0.1:{port}/local/jwks.json"
        apply(local, replace(local_request(CENTRE + ISSUERS), own_keys=own_keys))
        apply(local, local_request(CENTRE.replace("15s", "20s") + ISSUERS))
        issuers = settings(aws).list_issuers()
        assert {own_keys, "https://issuer.test/keys"} == {issuer.jwks_url for issuer in issuers}
    assert [] == apply(local, local_request(CENTRE.replace("15s", "20s") + ISSUERS)).changes


def test_the_address_of_the_stacks_own_keys_is_no_difference() -> None:
    wanted = local_request(CENTRE + ISSUERS).configuration
    current = with_own_keys(wanted, "http://127.0.0.1:8080/local/jwks.json")
    assert current == settled("local", current, wanted)
    assert wanted == settled("prod", current, wanted)


def local_request(text: str) -> Request:
    configuration = check_text(text, "local").configuration
    assert configuration is not None
    return Request(configuration=configuration, by="omar", at_ms=1)


@pytest.mark.parametrize("endpoint", [None, "127.0.0.1:1", "http://", "ftp://127.0.0.1", "http://127.0.0.1:99999"])
def test_a_stack_on_this_machine_is_reached_by_its_address_alone(
    endpoint: str | None, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert main(["apply", str(file), "--stage", "local", *(["--endpoint", endpoint] if endpoint else [])]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "ENDPOINT=http://" in line
    assert "`AWS engine`" in line
