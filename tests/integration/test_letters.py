"""The operator's command over what did not get through, on the local engine with its queues and bucket."""

import base64
import itertools
import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from functions import _wiring
from functions._edges import GIVEN_UP_AFTER, process_records
from infra.letters import queues
from infra.letters.__main__ import main
from tests.http_fixtures import ACCOUNTS, load
from tests.integration.engines import Aws, running
from throughline.domain.configuration import ChannelAccount, Configuration
from throughline.domain.encodings import InboundJob, decode_inbound, encode_inbound
from throughline.domain.errors import InvalidRequestError, StoreUnavailableError
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import DeliveryStatus, MessageReceived, StatusReported
from throughline.flows.accept_webhook import UNKNOWN_ACCOUNT, Taken
from throughline.flows.acknowledge import UNKNOWN_MESSAGE
from throughline.flows.drive_again import drive_again
from throughline.flows.keep import LeftOver, keep_event, keep_webhook
from throughline.ports import World
from throughline.settings import Environment
from throughline.store._table import Table, connect
from throughline.store.settings import DynamoConfigurations, Version

WORDS = "my card is 4111 1111 1111 1111"
INBOUND, TIMERS = "throughline-test-inbound.fifo", "throughline-test-timers"
DEAD, DEAD_TIMERS = "throughline-test-inbound-dead.fifo", "throughline-test-timers-dead"


@pytest.fixture(scope="module")
def engine() -> Iterator[Aws]:
    with running("ministack") as aws:
        yield aws


class Office:
    """The stage as an operator finds it, and the command."""

    def __init__(self, aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
        self.aws, self._capsys = aws, capsys

    def url(self, queue: str) -> str:
        return str(self.aws.sqs.get_queue_url(QueueName=queue)["QueueUrl"])

    def run(self, *arguments: str) -> str:
        """Run the command and return what it printed; it has to succeed."""
        self._capsys.readouterr()  # what the functions logged before
        assert main([*arguments, "--stage", "test", "--endpoint", self.aws.engine.endpoint_url]) == 0
        return self._capsys.readouterr().out

    def stays(self, *arguments: str) -> str:
        """Run the command and return what it printed; it has to say that something stays."""
        self._capsys.readouterr()
        assert main([*arguments, "--stage", "test", "--endpoint", self.aws.engine.endpoint_url]) == 1
        return self._capsys.readouterr().out

    def refused(self, *arguments: str) -> str:
        """Run the command and return why it did nothing."""
        assert main([*arguments, "--stage", "test", "--endpoint", self.aws.engine.endpoint_url]) == 1
        return self._capsys.readouterr().err

    def lines(self, *arguments: str) -> list[str]:
        """Return the lines of `list`, without the titles."""
        return self.run("list", *arguments).splitlines()[1:]

    def bury(self, *jobs: dict[str, Any], group: str = "h-eva") -> list[str]:
        """Put jobs among the dead letters of the inbound queue; return their ids."""
        return [
            self.aws.sqs.send_message(
                QueueUrl=self.url(DEAD),
                MessageBody=json.dumps(job),
                MessageGroupId=group,
                MessageDeduplicationId=secrets.token_hex(8),
            )["MessageId"]
            for job in jobs
        ]

    def queued(self, queue: str = INBOUND) -> list[Any]:
        """Return the records of a queue in order, and take them away."""
        found: list[Any] = []
        while batch := self.aws.sqs.receive_message(
            QueueUrl=self.url(queue), MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            for record in batch:
                found.append(record)
                self.aws.sqs.delete_message(QueueUrl=self.url(queue), ReceiptHandle=record["ReceiptHandle"])
        return found

    def keys(self, prefix: str) -> list[str]:
        bucket = self.aws.environment["BLOBS_BUCKET"]
        listed = self.aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return [item["Key"] for item in listed]

    def content(self, key: str) -> Any:
        return json.loads(self.aws.s3.get_object(Bucket=self.aws.environment["BLOBS_BUCKET"], Key=key)["Body"].read())

    def world(self) -> World:
        """Return the world of the stage's functions."""
        given = self.aws.environment | {"PUBLIC_URL": "https://contact.example.com", "SOCKETS_ENDPOINT": "http://s"}
        return _wiring.world_of(Environment.read(given))

    def configure(self, *accounts: ChannelAccount) -> None:
        configurations = DynamoConfigurations(Table(connect(), self.aws.environment["SETTINGS_TABLE"]))
        current = configurations.get_current()
        configuration = Configuration(accounts={f"{item.channel}/{item.name}": item for item in accounts})
        configurations.write(
            Version(number=current.number + 1, configuration=configuration, by="ana", at_ms=1, comment="")
        )


@pytest.fixture
def office(engine: Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Office:
    for name, value in engine.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(queues, "WAIT_S", 0)  # the engine is one server
    for name in (INBOUND, DEAD, TIMERS, DEAD_TIMERS):
        engine.sqs.purge_queue(QueueUrl=engine.sqs.get_queue_url(QueueName=name)["QueueUrl"])
    made = Office(engine, capsys)
    for key in made.keys(""):
        engine.s3.delete_object(Bucket=engine.environment["BLOBS_BUCKET"], Key=key)
    _wiring._connection.cache_clear()
    return made


def job(number: int, **changes: Any) -> dict[str, Any]:
    event = MessageReceived(
        channel="telegram",
        account="telegram/demo_bot",
        provider_id=f"m{number}",
        senders=(Identifier(kind="telegram", value="3527065"),),
        text=WORDS,
        **changes,
    )
    return encode_inbound(InboundJob(inbound=f"in-{number}", arrival_ms=1_763_800_000_000 + number, event=event))


def record(body: str, message_id: str = "r1", receive_count: int = GIVEN_UP_AFTER) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "receiptHandle": "receipt",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": str(receive_count),
            "SentTimestamp": "1763800000000",
            "MessageGroupId": "h-eva",
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{INBOUND}",
    }


def fail(office: Office, body: str, error: Exception) -> None:
    """Let the inbound function fail on a record for the last time."""

    def handle(*_: object) -> None:
        raise error

    _wiring.use_world(office.world())
    try:
        process_records({"Records": [record(body)]}, handle, fifo=True)
    finally:
        _wiring.use_world(None)


# ---------------------------------------------------------------- looking


def test_where_all_went_well_there_is_nothing(office: Office) -> None:
    assert office.run("list") == "nothing is here\n"
    assert office.run("redrive", "--all") == "there is nothing to send back\n"


def test_a_dead_letter_is_shown_with_its_reason_and_without_anybodys_words(office: Office) -> None:
    (letter_id,) = office.bury(job(1))
    fail(office, json.dumps(job(1)), StoreUnavailableError("writing an entry: no answer"))
    (line,) = office.lines()
    assert line.startswith(letter_id[:12])
    assert "message on telegram/demo_bot" in line
    assert "customer h-eva" in line
    assert line.endswith("store_unavailable: writing an entry: no answer")
    assert WORDS not in office.run("list") + office.run("show", letter_id[:8])
    assert WORDS in office.run("list", "--words")
    shown = office.run("show", letter_id, "--words")
    assert WORDS in shown
    assert f"receive_count {GIVEN_UP_AFTER}" in shown
    assert "2025-11-22 08:26:40" in shown


def test_an_unexpected_failure_is_told_by_its_place(office: Office) -> None:
    office.bury(job(1))
    fail(office, json.dumps(job(1)), KeyError(WORDS))
    (line,) = office.lines()
    assert "KeyError at integration/test_letters.py:" in line
    assert WORDS not in line


def test_a_record_that_was_cut_off_every_time_says_so(office: Office) -> None:
    office.bury(job(1))
    (line,) = office.lines()
    assert "no reason was noted" in line


def test_looking_leaves_everything_where_it_is(office: Office) -> None:
    office.bury(job(1), job(2))
    assert len(office.lines()) == len(office.lines()) == 2


def test_what_is_no_job_is_listed_all_the_same(office: Office) -> None:
    office.aws.sqs.send_message(QueueUrl=office.url(DEAD_TIMERS), MessageBody="not JSON")
    office.aws.sqs.send_message(QueueUrl=office.url(DEAD_TIMERS), MessageBody='{"blob":"jobs/gone.json"}')
    office.aws.sqs.send_message(QueueUrl=office.url(DEAD_TIMERS), MessageBody='{"kind":"settle","agent":"ana"}')
    lines = "\n".join(office.lines("--from", "timers"))
    assert all(what in lines for what in ("not a job", "no longer in the bucket", "timer settle", "agent ana"))
    assert office.lines("--from", "media") == []


# ---------------------------------------------------------------- driving through again


def test_dead_letters_go_back_in_order_with_their_bodies_and_groups(office: Office) -> None:
    ours = [job(number) for number in range(12)]  # more than SQS shows of a group at once
    office.bury(*ours)
    office.bury(job(99), group="h-tim")
    assert office.lines()[-1] == "inbound: about 2 more behind these; SQS shows the first ten of a customer's"
    assert office.run("redrive", "--all").splitlines()[-1] == "13 tried"
    assert office.lines() == []
    records = office.queued()
    eva = [json.loads(item["Body"]) for item in records if item["Attributes"]["MessageGroupId"] == "h-eva"]
    assert eva == ours
    assert len(records) == 13


def test_what_does_not_fit_into_one_look_goes_back_in_the_next_ones(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count(step=queues.LOOK_S)  # a look takes one request, and then its time is over
    monkeypatch.setattr("infra.letters.queues.time.monotonic", lambda: next(seconds) // 2)
    for number in range(25):
        office.bury(job(number), group=f"h-{number}")
    assert office.run("redrive", "--all").splitlines()[-1] == "25 tried"
    assert len(office.queued()) == 25


def test_a_letter_that_was_sent_back_by_a_command_that_died_is_sent_once(office: Office) -> None:
    (letter_id,) = office.bury(job(1))
    office.aws.sqs.send_message(
        QueueUrl=office.url(INBOUND),
        MessageBody=json.dumps(job(1)),
        MessageGroupId="h-eva",
        MessageDeduplicationId=f"redrive-{letter_id}",
    )
    office.run("redrive", letter_id)
    assert len(office.queued()) == 1


def test_one_letter_does_not_overtake_an_earlier_one_of_the_same_customer_by_accident(office: Office) -> None:
    first, second = office.bury(job(1), job(2))
    assert f"{first[:12]} of the same customer comes before it" in office.refused("redrive", second)
    office.run("redrive", second, "--out-of-order")
    assert [json.loads(item["Body"])["inbound"] for item in office.queued()] == ["in-2"]
    office.run("redrive", first)
    assert [json.loads(item["Body"])["inbound"] for item in office.queued()] == ["in-1"]


def test_a_chosen_reason_is_driven_and_what_comes_behind_another_waits_for_it(office: Office) -> None:
    office.bury(job(1), job(2))
    office.bury(job(3), group="h-tim")
    fail(office, json.dumps(job(2)), StoreUnavailableError("throttled"))
    fail(office, json.dumps(job(3)), StoreUnavailableError("throttled"))
    office.run("redrive", "--all", "--reason", "store_unavailable")
    assert [json.loads(item["Body"])["inbound"] for item in office.queued()] == ["in-3"]
    assert len(office.lines()) == 2


def test_the_note_on_a_letter_goes_with_it(office: Office) -> None:
    office.bury(job(1))
    fail(office, json.dumps(job(1)), StoreUnavailableError("throttled"))
    assert len(office.keys("dead/")) == 1
    office.run("redrive", "--all", "--from", "inbound")
    assert office.keys("dead/") == []


def test_a_standard_queues_letters_go_back_too(office: Office) -> None:
    office.aws.sqs.send_message(QueueUrl=office.url(DEAD_TIMERS), MessageBody='{"kind":"settle","agent":"ana"}')
    office.run("redrive", "--all")
    assert [item["Body"] for item in office.queued(TIMERS)] == ['{"kind":"settle","agent":"ana"}']


def test_a_refused_record_goes_back_to_its_queue_and_group(office: Office) -> None:
    fail(office, json.dumps(job(1)), InvalidRequestError("no identifier"))
    (line,) = office.lines("--from", "refused")
    assert "invalid_request: no identifier" in line
    assert WORDS not in line
    office.run("redrive", "--all")
    (back,) = office.queued()
    assert (json.loads(back["Body"]), back["Attributes"]["MessageGroupId"]) == (job(1), "h-eva")
    assert office.lines() == []


# ---------------------------------------------------------------- throwing away


def test_a_discarded_letter_stays_readable_with_the_reason(office: Office) -> None:
    (letter_id,) = office.bury(job(1))
    with pytest.raises(SystemExit):
        office.run("discard", letter_id)
    office.run("discard", letter_id, "--because", "a test of ours", "--by", "ana")
    assert office.lines() == []
    (key,) = office.keys("discarded/")
    thrown = office.content(key)
    assert (json.loads(thrown["body"]), thrown["because"], thrown["by"]) == (job(1), "a test of ours", "ana")


def test_an_id_has_to_name_exactly_one(office: Office) -> None:
    office.bury(job(1))
    assert "too short" in office.refused("show", "0")
    assert "no letter is called 00000000" in office.refused("redrive", "00000000")


# ---------------------------------------------------------------- kept webhooks


def account_of(channel: str) -> ChannelAccount:
    given = ACCOUNTS[channel]
    return ChannelAccount(
        channel=channel,
        name=given.name,
        address=given.address,
        queue="support",
        secrets={name: (f"{channel}/{name}",) for name in given.secrets},
        settings=given.settings,
    )


def keep(office: Office, name: str, reason: str) -> None:
    """Keep a recorded webhook as if nobody had had a use for it."""
    fixture = load("whatsapp", name)
    left = LeftOver(reason=reason)
    keep_webhook(office.world(), fixture.account, fixture.request, [left])


def with_secrets(office: Office) -> None:
    parameters = {"home-key": "k", **{f"whatsapp/{name}": "s" for name in ACCOUNTS["whatsapp"].secrets}}
    for name, value in parameters.items():
        office.aws.ssm.put_parameter(Name=f"/throughline/test/{name}", Value=value, Type="SecureString", Overwrite=True)


def test_a_kept_webhook_is_parsed_again_and_what_is_understood_is_queued(office: Office) -> None:
    with_secrets(office)
    office.configure(account_of("whatsapp"))
    keep(office, "text", UNKNOWN_ACCOUNT)
    (line,) = office.lines("--from", "kept", "--at", "whatsapp", "--reason", UNKNOWN_ACCOUNT)
    assert "webhook" in line
    assert office.run("redrive", line.split()[0]).endswith("  1 queued\n")
    (back,) = office.queued()
    event = decode_inbound(json.loads(back["Body"])).event
    assert isinstance(event, MessageReceived)
    assert office.keys("kept/") == []
    assert len(office.keys("driven/")) == 1


def test_what_is_still_not_understood_stays(office: Office) -> None:
    with_secrets(office)
    office.configure(account_of("whatsapp"))
    keep(office, "type_nobody_knows_yet", "a_reason_of_then")
    keep(office, "entry_of_another_kind", "a_reason_of_then")
    assert "stays: " in office.stays("redrive", "--all")
    assert office.keys("kept/") != []
    assert "a_reason_of_then" not in office.run("list")


def test_without_its_account_a_kept_webhook_stays_and_the_next_one_goes_on(office: Office) -> None:
    office.configure()
    keep(office, "text", UNKNOWN_ACCOUNT)
    assert "stays: no such channel account is configured" in office.stays("redrive", "--all")
    assert len(office.keys("kept/")) == 1


def test_a_kept_webhook_can_be_read_and_thrown_away(office: Office) -> None:
    keep(office, "text", UNKNOWN_ACCOUNT)
    letter_id = office.lines()[0].split()[0]
    posted = load("whatsapp", "text").request.body.decode()
    assert posted not in office.run("show", letter_id)
    assert posted in office.run("show", letter_id, "--words")
    office.run("discard", letter_id, "--because", "a number we gave up")
    (key,) = office.keys("discarded/kept/whatsapp/")
    assert base64.b64decode(office.content(key)["body"]).decode() == posted


def keep_report(office: Office) -> None:
    report = StatusReported(
        channel="whatsapp",
        account="whatsapp/100000000000001",
        provider_id="wamid.1:delivered",
        senders=(Identifier(kind="tel", value="+15550001"),),
        message_id="wamid.1",
        status=DeliveryStatus.DELIVERED,
    )
    keep_event(office.world(), report, UNKNOWN_MESSAGE, 1_763_800_000_000)


def test_a_report_that_a_worker_keeps_again_before_the_command_has_ended_stays(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_secrets(office)
    keep_report(office)

    def drive_with_a_quick_worker(world: World, kept: bytes) -> Taken:
        taken = drive_again(world, kept)
        keep_report(office)
        return taken

    monkeypatch.setattr("infra.letters.office.drive_again", drive_with_a_quick_worker)
    assert "1 queued" in office.run("redrive", "--all")
    assert len(office.keys("kept/whatsapp/")) == 1
    assert len(office.keys("driven/whatsapp/")) == 1


def test_what_a_command_that_died_was_driving_through_is_listed_and_driven(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_secrets(office)
    keep_report(office)

    def die(_world: World, _kept: bytes) -> Taken:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("infra.letters.office.drive_again", die)
        with pytest.raises(KeyboardInterrupt):
            office.run("redrive", "--all")
    assert len(office.lines("--from", "kept")) == 1
    assert "1 queued" in office.run("redrive", "--all")
    assert office.lines("--from", "kept") == []
