"""A configuration file is right, or every line that is not is named with what to do."""

from pathlib import Path
from textwrap import dedent

import pytest

from infra.configuration.check import Checked, check_file, check_text
from infra.configuration.problems import Problem
from throughline.domain.configuration import AgentProfile, Answer, ChannelAccount, Issuer, Queue
from throughline.domain.identifiers import AgentId
from throughline.store.settings import from_document, to_document

ROOT = Path(__file__).parents[2]
SID = "AC000000000000000000000000000000a1"

GOOD = dedent("""\
    skills: {en: English, id: Indonesian}
    queues:
      support:
        skills: {en: 2}
        offer: 15s
        reopen: 7d
        priority: 5 min
        dispositions: [solved, spam]
    channel_accounts:
      telegram/demo:
        address: demo_bot
        queue: support
        languages: [en, id]
        secrets:
          bot_token: [telegram/demo/bot_token, telegram/demo/old_bot_token]
          webhook_secret: telegram/demo/webhook_secret
      twilio_sms/demo:
        address: +15005550006
        queue: support
        secrets: {auth_token: twilio_sms/demo/auth_token}
        settings: {account_sid: AC000000000000000000000000000000a1, max_segments: 4}
    agents:
      ana:
        name: Ana
        skills: {en: 5, id: 1}
        capacity: {chat: 3, voice: 1}
        teams: front
    issuers:
      https://issuer.test/pool:
        audience: desk
        jwks_url: https://issuer.test/pool/keys
        supervisor_groups: supervisors
    """)


def told(source: str, stage: str = "dev") -> list[str]:
    return [problem.told(Path("f.yaml")) for problem in check_text(source, stage).problems]


def edited(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def test_a_good_file_becomes_what_the_functions_work_with() -> None:
    configuration = check_text(GOOD, "dev").configuration
    assert configuration is not None
    assert configuration.skills == {"en": "English", "id": "Indonesian"}
    assert configuration.queues == {
        "support": Queue(
            name="support",
            skills={"en": 2},
            offer_s=15,
            reopen_s=7 * 86400,
            priority_s=300,
            dispositions=("solved", "spam"),
        )
    }
    assert configuration.accounts["telegram/demo"] == ChannelAccount(
        channel="telegram",
        name="demo",
        address="demo_bot",
        queue="support",
        languages=("en", "id"),
        secrets={
            "bot_token": ("telegram/demo/bot_token", "telegram/demo/old_bot_token"),
            "webhook_secret": ("telegram/demo/webhook_secret",),
        },
    )
    assert configuration.agents == {
        AgentId("ana"): AgentProfile(
            agent_id=AgentId("ana"),
            name="Ana",
            skills={"en": 5, "id": 1},
            capacity={"chat": 3, "voice": 1},
            teams=("front",),
        )
    }
    assert list(configuration.issuers.values()) == [
        Issuer(
            issuer="https://issuer.test/pool",
            audience="desk",
            jwks_url="https://issuer.test/pool/keys",
            supervisor_groups=("supervisors",),
        )
    ]


def test_what_the_desk_offers_is_read() -> None:
    more = dedent("""\
        not_ready_reasons: [lunch, training]
        answers:
          hello:
            text: Hello {customer_name}, {agent_name} here
            queues: support
            languages: [en, id]
            shortcut: /hi
          bye: {text: Bye}
        """)
    source = edited("    teams: front\n", "    teams: front\n    language: pt-BR\n").replace(
        "    reopen: 7d\n", "    reopen: 7d\n    wrap_up: 2min\n"
    )
    configuration = check_text(source + more, "dev").configuration
    assert configuration is not None
    assert configuration.not_ready_reasons == ("lunch", "training")
    assert configuration.answers == {
        "hello": Answer(
            name="hello",
            text="Hello {customer_name}, {agent_name} here",
            queues=("support",),
            languages=("en", "id"),
            shortcut="/hi",
        ),
        "bye": Answer(name="bye", text="Bye"),
    }
    assert configuration.queues["support"].wrap_up_s == 120
    assert configuration.agents[AgentId("ana")].language == "pt-BR"
    assert from_document(to_document(configuration)) == configuration


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("{text: Hi, queues: suport}", "there is no queue 'suport'; did you mean support?"),
        ("{text: Hi, languages: [de]}", "there is no skill 'de'"),
        ("{text: 'Hi {custmer_name}'}", "nothing is filled in for '{custmer_name}'; did you mean customer_name?"),
        ("{text: Hi, shortcut: a b}", "'a b' is not a shortcut"),
        ("{queues: support}", "text is missing"),
    ],
)
def test_an_answer_that_could_not_be_used_is_told(answer: str, expected: str) -> None:
    problems = told(f"{GOOD}answers:\n  hello: {answer}\n")
    assert len(problems) == 1
    assert expected in problems[0]


def test_numbers_stay_texts_where_a_text_is_meant() -> None:
    configuration = check_text(GOOD, "dev").configuration
    assert configuration is not None
    account = configuration.accounts["twilio_sms/demo"]
    assert (account.address, account.settings) == ("+15005550006", {"account_sid": SID, "max_segments": 4})


def test_a_skill_may_be_called_no() -> None:
    source = edited("skills: {en: English, id", "skills: {no: Norwegian, en: English, id")
    configuration = check_text(source, "dev").configuration
    assert configuration is not None
    assert configuration.skills["no"] == "Norwegian"


PROBLEMS = [
    # unknown keys, words and names
    ("queues:\n", "queus:\n", "f.yaml:2:1: 'queus' is no key of this part; did you mean queues?"),
    ("offer: 15s", "ofer: 15s", "f.yaml:5:5: 'ofer' is no key of this part; did you mean offer?"),
    ("twilio_sms/demo:", "twilio/demo:", "f.yaml:17:3: there is no channel 'twilio'; did you mean twilio_sms?"),
    (
        "  telegram/demo:",
        "  telegram:",
        (
            "f.yaml:10:3: 'telegram' is not a channel account's name; "
            "write <channel>/<name>, as in the address of its webhook"
        ),
    ),
    (
        "queue: support\n    languages",
        "queue: suport\n    languages",
        "f.yaml:12:5: there is no queue 'suport'; did you mean support?",
    ),
    ("languages: [en, id]", "languages: [en, fr]", "f.yaml:13:21: there is no skill 'fr'; use one of: en, id"),
    ("{en: 2}", "{english: 2}", "f.yaml:4:14: there is no skill 'english'; use one of: en, id"),
    ("{en: 5, id: 1}", "{en: 5, ide: 1}", "f.yaml:25:21: there is no skill 'ide'; did you mean id?"),
    (
        "capacity: {chat: 3, voice: 1}",
        "capacity: {chta: 3}",
        "f.yaml:26:16: 'chta' is no key of this part; did you mean chat?",
    ),
    # duplicates
    ("agents:\n", "skills: {}\nagents:\n", "f.yaml:22:1: 'skills' stands here twice; remove or rename one of them"),
    ("[solved, spam]", "[solved, solved]", "f.yaml:8:28: 'solved' stands here twice; remove one"),
    (
        "agents:\n",
        (
            "  twilio_sms/other:\n    address: +15005550006\n    queue: support\n"
            "    secrets: {auth_token: a/b}\n    settings: {account_sid: AC000000000000000000000000000000a2}\nagents:\n"
        ),
        "f.yaml:23:5: twilio_sms/demo has this address already; give each account an address of its own",
    ),
    # forms and bounds
    ("{en: 5, id: 1}", "{en: 6}", "f.yaml:25:18: a proficiency is out of bounds; write a whole number from 1 to 5"),
    (
        "address: demo_bot",
        "address: demo_bot\n    sender_limit: 0",
        "f.yaml:12:19: a limit is out of bounds; write a whole number from 1 to 1000000",
    ),
    (
        "voice: 1}",
        "voice: 2}",
        "f.yaml:26:32: a capacity for voice is out of bounds; write a whole number from 0 to 1",
    ),
    (
        "offer: 15s",
        "offer: 15",
        "f.yaml:5:12: this is not a duration; write a number with its unit: 20s, 5min, 24h, 7d",
    ),
    ("offer: 15s", "offer: 1h", "f.yaml:5:12: this duration is out of bounds; choose one from 5s to 10min"),
    ("address: demo_bot", "address: '@demo_bot'", "write the bot's user name without @"),
    (
        "address: +15005550006",
        "address: 0123 456",
        (
            "f.yaml:18:5: '0123 456' is no address of this channel; "
            "write the number as +<country><number>, or the short code"
        ),
    ),
    ("  ana:", "  Ana:", "f.yaml:23:3: 'Ana' is not an agent's id; use small letters, digits, - and _"),
    (
        "id: Indonesian",
        "id.2: Indonesian",
        "f.yaml:1:23: 'id.2' is not a skill's name; use small letters, digits, - and _, beginning with a letter",
    ),
    ("id: Indonesian", "'@id': x", "'@id' is not a skill's name"),
    ("id: Indonesian", "en+id: x", "'en+id' is not a skill's name"),
    ("queues:\n  support:\n", "queues:\n- support:\n", "f.yaml:3:1: keys with values are expected here"),
    # what a channel needs
    ("    queue: support\n    languages", "    languages", "f.yaml:11:5: queue is missing; add the line `queue: …`"),
    (
        "      webhook_secret: telegram/demo/webhook_secret\n",
        "",
        "f.yaml:14:5: this channel needs secrets.webhook_secret; add it under secrets",
    ),
    (f"account_sid: {SID}, ", "", "f.yaml:21:5: this channel needs settings.account_sid; add it under settings"),
    (
        "max_segments: 4",
        "max_segment: 4",
        "f.yaml:21:65: there is no setting 'max_segment'; did you mean max_segments?",
    ),
    (
        SID,
        "nonsense",
        "f.yaml:21:16: 'nonsense' is no account_sid; write AC and 32 digits from 0 to f",
    ),
    (f"{SID}, ", f"{SID}, messaging_service_sid: {SID}, ", "write MG and 32 digits from 0 to f"),
    ("max_segments: 4", "max_segments: many", "f.yaml:21:65: 'many' is no max_segments; write a whole number from 1"),
    ("max_segments: 4", "max_segments: 0", "'0' is no max_segments"),
    ("max_segments: 4", "max_segments: '4'", "'4' is no max_segments"),
    ("max_segments: 4", "max_segments: true", "'True' is no max_segments"),
    (
        "webhook_secret: tele",
        "secret: x/y\n      webhook_secret: tele",
        "f.yaml:16:7: there is no secret 'secret'; did you mean webhook_secret?",
    ),
    ("{auth_token: twilio_sms/demo/auth_token}", "{auth_token: []}", "this channel needs secrets.auth_token"),
    # secrets
    (
        "{auth_token: twilio_sms/demo/auth_token}",
        "{auth_token: 12345678901234567890123456789012}",
        (
            "f.yaml:20:27: name a parameter, do not write the secret here; "
            "write something like `telegram/demo/bot_token`, and put the value there with set-secret"
        ),
    ),
    # templates
    (
        "max_segments: 4}",
        "max_segments: 4}\n    templates: {visit: {language: en, text: Hi}}",
        (
            "f.yaml:22:17: the provider calls no template so; "
            "write the content SID: HX and 32 digits from 0 to f, as provider_name"
        ),
    ),
    (
        "max_segments: 4}",
        "max_segments: 4}\n    templates: {visit: {language: en, text: 'Hi {{2}}', provider_name: HX" + "0" * 32 + "}}",
        "a placeholder is missing; number them {{1}}, {{2}}, … without a gap",
    ),
    (
        "webhook_secret: telegram/demo/webhook_secret",
        "webhook_secret: telegram/demo/webhook_secret\n    templates: {visit: {language: en, text: Hi}}",
        "f.yaml:17:17: this channel has no templates; take it out",
    ),
    # sign-in
    (
        "jwks_url: https://",
        "jwks_url: http://",
        "f.yaml:31:5: keys that arrive over plain HTTP prove nothing; use https://",
    ),
    (
        "    supervisor_groups",
        "    role: visitor\n    supervisor_groups",
        "f.yaml:33:5: an issuer of visitors yields visitors only; take the groups out",
    ),
    (
        "issuers:\n",
        "local: {secrets: {a/b: c}}\nissuers:\n",
        (
            "f.yaml:28:1: this part is for the stack on one machine, not for stage dev; "
            "take it out, or give --stage local"
        ),
    ),
    ("agents:\n", "agents: [\n", "this is not YAML"),
    ("agents:\n", "agents: \x07\n", "f.yaml:22:1: there is a character that no text has; save the file as UTF-8 text"),
    ("agents:\n", "? [a]\n: b\nagents:\n", "f.yaml:22:3: a key has to be a plain word"),
    ("max_segments: 4", "max_segments: &x [*x]", "f.yaml:21:79: a plain value is expected here"),
]


@pytest.mark.parametrize(("old", "new", "expected"), PROBLEMS, ids=[row[2] for row in PROBLEMS])
def test_a_problem_is_told_with_its_place_and_what_to_do(old: str, new: str, expected: str) -> None:
    source = edited(old, new)
    assert [line for line in told(source) if expected in line]
    assert check_text(source, "dev").configuration is None


def test_a_good_file_has_no_problem() -> None:
    assert told(GOOD) == []


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    source = (
        edited("offer: 15s", "offer: soon").replace("queue: support", "queue: none").replace("name: Ana", "nam: Ana")
    )
    assert [problem.line for problem in check_text(source, "dev").problems] == [5, 12, 19, 24, 24]


def test_an_empty_file_is_a_problem() -> None:
    assert [line.partition(";")[0] for line in told("")] == ["f.yaml:1:1: the file is empty"]


@pytest.mark.parametrize(
    "secret",
    [
        "7000000001:AAF-abcdefghijklmnopqrstuvwxyz01234",
        "deadbeefdeadbeefdeadbeefdeadbeef",
        "EAAGm0PX4ZCpsBAKZCEAAGm0",
        "s3cr3t",
        "a/deadbeefdeadbeefdeadbeefdeadbeef",
    ],
)
def test_a_secret_written_into_the_file_is_refused_and_not_repeated(secret: str) -> None:
    lines = told(edited("twilio_sms/demo/auth_token", secret))
    assert [line for line in lines if "do not write the secret here" in line]
    assert not [line for line in lines if secret in line]


def test_a_secret_pasted_at_another_place_is_not_shown_whole() -> None:
    secret = "EAAGm0PX4ZCpsBAKZCEAAGm0PX4ZCpsBAKZC"
    assert not [line for line in told(edited("address: demo_bot", f"address: '{secret}!'")) if secret in line]


def test_contacts_that_nobody_could_take_are_a_warning_and_no_refusal() -> None:
    checked: Checked = check_text(edited("{en: 5, id: 1}", "{en: 1}"), "dev")
    assert checked.configuration is not None
    assert [problem.told(Path("f.yaml")) for problem in checked.problems] == [
        (
            "f.yaml:10:3: warning: no agent with a capacity for chat has en.2; "
            "such contacts will wait until one is configured"
        ),
        (
            "f.yaml:10:3: warning: no agent with a capacity for chat has en.2+id.1; "
            "such contacts will wait until one is configured"
        ),
        (
            "f.yaml:17:3: warning: no agent with a capacity for chat has en.2; "
            "such contacts will wait until one is configured"
        ),
    ]


def test_an_agent_without_a_capacity_for_the_class_takes_nothing_of_it() -> None:
    checked = check_text(edited("{chat: 3, voice: 1}", "{voice: 1}"), "dev")
    assert {problem.warning for problem in checked.problems} == {True}


def test_limits_are_the_accounts_own_or_the_usual_ones() -> None:
    configuration = check_text(
        edited("address: demo_bot", "address: demo_bot\n    account_limit: 500"), "dev"
    ).configuration
    assert configuration is not None
    limits = {name: (item.account_limit, item.sender_limit) for name, item in configuration.accounts.items()}
    assert limits == {"telegram/demo": (500, 100), "twilio_sms/demo": (2000, 100)}


def test_a_limit_that_one_sender_may_use_up_is_a_warning_and_no_refusal() -> None:
    source = edited("address: demo_bot", "address: demo_bot\n    account_limit: 100")
    (problem,) = check_text(source, "dev").problems
    assert problem.warning
    assert problem.told(Path("f.yaml")) == (
        "f.yaml:10:3: warning: one sender may use up the 100 events that are taken in ten seconds; "
        "write a smaller sender_limit"
    )


def test_an_agent_without_any_capacity_is_a_warning_and_no_refusal() -> None:
    checked = check_text(edited("    capacity: {chat: 3, voice: 1}\n", ""), "dev")
    assert checked.configuration is not None
    assert (
        Problem(
            line=23,
            column=3,
            wrong="ana takes no contacts",
            advice="add a capacity such as `capacity: {chat: 3}` if that is not meant",
            warning=True,
        )
        in checked.problems
    )


def test_the_demo_is_right_for_the_local_stack_and_for_nothing_else() -> None:
    demo = ROOT / "infra" / "local" / "demo.yaml"
    local = check_file(demo, "local")
    assert local.problems == []
    assert local.configuration is not None
    named = {
        name for item in local.configuration.accounts.values() for names in item.secrets.values() for name in names
    }
    assert set(local.local_secrets) == named
    deployed = check_file(demo, "dev")
    assert deployed.configuration is None
    assert [problem.advice for problem in deployed.problems] == ["take it out, or give --stage local"]


@pytest.mark.parametrize("value", ["12345678", "true", "2026-01-01", "[a]", "{a: b}", ""])
def test_a_local_secret_that_is_no_text_is_refused_and_not_repeated(value: str) -> None:
    source = f"{GOOD}local:\n  secrets:\n    a/b: {value}\n"
    (line,) = told(source, "local")
    assert line.startswith("f.yaml:35:")
    assert "12345678" not in line
    assert check_text(source.replace(f"a/b: {value}", 'a/b: "12345678"'), "local").local_secrets == {"a/b": "12345678"}


def test_values_of_local_secrets_are_not_part_of_what_is_printed() -> None:
    assert "sandbox" not in repr(check_file(ROOT / "infra" / "local" / "demo.yaml", "local"))


def test_a_file_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "picture.yaml"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    assert check_file(path, "dev").configuration is None


def test_a_problem_is_told_as_editors_understand_it() -> None:
    problem = Problem(line=3, column=7, wrong="x is wrong", advice="write y")
    assert problem.told(Path("a/b.yaml")) == "a/b.yaml:3:7: x is wrong; write y"


@pytest.mark.parametrize("address", ["https://[issuer", "https://a.b:port", "https://"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    (problem,) = check_text(GOOD.replace("https://issuer.test/pool/keys", address), "dev").problems
    assert problem.wrong == f"'{address}' is not a web address"


@pytest.mark.parametrize("source", ["[" * 5_000, "{a: " * 5_000])
def test_a_file_that_nests_without_end_is_refused_in_a_sentence(source: str) -> None:
    assert ["this nests too deep"] == [problem.wrong for problem in check_text(source, "dev").problems]
