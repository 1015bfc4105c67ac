"""What changes is told in lines, and what is in force can be written down and read back."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from infra.configuration.check import check_file, check_text
from infra.configuration.differences import changed_agents, differences
from infra.configuration.render import as_text
from throughline.domain.configuration import AgentProfile, Answer, ChannelAccount, Configuration, Issuer, Queue
from throughline.domain.identifiers import AgentId
from throughline.domain.templates import MessageTemplate

DEMO = check_file(Path(__file__).parents[2] / "infra" / "local" / "demo.yaml", "local").configuration or Configuration()
ANA, BUDI, CARA = AgentId("ana"), AgentId("budi"), AgentId("cara")


def test_nothing_differs_from_itself() -> None:
    assert (differences(DEMO, DEMO), changed_agents(DEMO, DEMO)) == ([], [])


def test_what_was_added_removed_and_changed_is_told_by_the_keys_of_the_file() -> None:
    before = Configuration(
        queues={"support": Queue(name="support", offer_s=20, dispositions=("a", "b")), "old": Queue(name="old")},
        agents={ANA: AgentProfile(agent_id=ANA, name="Ana", skills={"en": 3}, capacity={"chat": 1})},
        not_ready_reasons=("lunch",),
    )
    after = Configuration(
        queues={"support": Queue(name="support", offer_s=60, priority_s=90)},
        agents={
            ANA: AgentProfile(agent_id=ANA, name="Ana", skills={"en": 4, "id": 1}, capacity={"chat": 1}),
            BUDI: AgentProfile(agent_id=BUDI, name="Budi"),
        },
        answers={"hello": Answer(name="hello", text="Hello")},
        not_ready_reasons=("lunch", "training"),
    )
    assert differences(before, after) == [
        "- queue old",
        "~ queue support: dispositions a, b → (none), offer (none) → 1min, priority (none) → 90s",
        "~ agent ana: skills.en 3 → 4, skills.id (none) → 1",
        "+ agent budi",
        "+ answer hello",
        "~ not_ready_reasons: lunch → lunch, training",
    ]


def test_an_address_that_nobody_has_any_more_is_pointed_out() -> None:
    def accounts(**addresses: str) -> Configuration:
        made = {
            f"whatsapp/{name}": ChannelAccount(channel="whatsapp", name=name, address=address, queue="support")
            for name, address in addresses.items()
        }
        return Configuration(accounts=made)

    lost = "! customers who wrote to whatsapp 111 can be answered there no longer"
    assert differences(accounts(shop="111"), accounts(shop="222"))[-1] == lost
    assert differences(accounts(shop="111"), accounts()) == ["- channel account whatsapp/shop", lost]
    assert lost not in differences(accounts(shop="111"), accounts(shop="222", old="111"))


def test_agents_that_were_added_changed_or_removed_are_named() -> None:
    ana = AgentProfile(agent_id=ANA, name="Ana")
    before = Configuration(agents={ANA: ana, BUDI: AgentProfile(agent_id=BUDI, name="Budi")})
    after = Configuration(agents={ANA: replace(ana, teams=("front",)), CARA: AgentProfile(agent_id=CARA, name="Cara")})
    assert changed_agents(before, after) == [ANA, BUDI, CARA]


_words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]), min_size=1, max_size=8
)
_skills = st.sampled_from(["en", "id", "no", "on"])
_levels = st.dictionaries(_skills, st.integers(1, 5), max_size=3)
_queues = st.sampled_from(["support", "sales", "yes"])
_secrets = st.fixed_dictionaries(
    {"bot_token": st.just(("telegram/x/token", "telegram/x/old")), "webhook_secret": st.just(("telegram/x/secret",))}
)
_templates = st.builds(
    MessageTemplate,
    name=st.just("visit"),
    language=st.sampled_from(["en", "en_US", "no"]),
    text=st.sampled_from(["Hi", "Hi {{1}}", "{{2}} {{1}} {{2}}"]),
    provider_name=st.sampled_from(["", "visit_2"]),
    header=st.sampled_from([None, "image", "document"]),
)


@given(
    skills=st.fixed_dictionaries(dict.fromkeys(["en", "id", "no", "on"], _words)),
    queues=st.fixed_dictionaries(
        {
            name: st.builds(
                Queue,
                name=st.just(name),
                work_class=st.sampled_from(["voice", "chat", "email"]),
                skills=_levels,
                priority_s=st.integers(0, 86400),
                offer_s=st.integers(5, 600),
                cool_down_s=st.integers(0, 3600),
                reopen_s=st.integers(0, 30 * 86400),
                wrap_up_s=st.integers(0, 86400),
                dispositions=st.lists(_skills, unique=True, max_size=2).map(tuple),
            )
            for name in ("support", "sales", "yes")
        }
    ),
    accounts=st.fixed_dictionaries(
        {
            f"telegram/{name}": st.builds(
                ChannelAccount,
                channel=st.just("telegram"),
                name=st.just(name),
                address=st.just(f"{name}_bot"),
                queue=_queues,
                skills=_levels,
                languages=st.lists(_skills, unique=True, max_size=3).map(tuple),
                secrets=_secrets,
            )
            for name in ("007", "demo")
        }
        | {
            "whatsapp/demo": st.builds(
                ChannelAccount,
                channel=st.just("whatsapp"),
                name=st.just("demo"),
                address=st.just("10001"),
                queue=_queues,
                secrets=st.just({name: (f"wa/{name}",) for name in ("app_secret", "verify_token", "access_token")}),
                templates=st.fixed_dictionaries({}, optional={"visit": _templates}),
            )
        }
    ),
    agents=st.fixed_dictionaries(
        {
            AgentId(name): st.builds(
                AgentProfile,
                agent_id=st.just(AgentId(name)),
                name=_words,
                skills=_levels,
                capacity=st.dictionaries(st.sampled_from(["chat", "email"]), st.integers(0, 50), max_size=2),
                language=st.sampled_from([None, "no", "pt-BR"]),
            )
            for name in ("ana", "7f")
        }
    ),
    answers=st.dictionaries(
        st.just("hello"),
        st.builds(
            Answer,
            name=st.just("hello"),
            text=_words.filter(lambda text: "{" not in text),
            queues=st.lists(_queues, unique=True, max_size=2).map(tuple),
            languages=st.lists(_skills, unique=True, max_size=2).map(tuple),
            shortcut=st.sampled_from([None, "/hi", "007"]),
        ),
    ),
    reasons=st.lists(st.sampled_from(["lunch", "no"]), unique=True).map(tuple),
    issuers=st.dictionaries(
        st.just("https://i.test"),
        st.builds(
            Issuer,
            issuer=st.just("https://i.test"),
            audience=_words,
            jwks_url=st.just("https://i.test/k"),
            role=st.just("agent"),
        ),
        max_size=1,
    ),
)
def test_what_is_shown_can_be_applied_again_and_says_the_same(  # noqa: PLR0913 - the parts of a file
    *,
    skills: dict[str, str],
    queues: dict[str, Queue],
    accounts: dict[str, ChannelAccount],
    agents: dict[AgentId, AgentProfile],
    issuers: dict[str, Issuer],
    answers: dict[str, Answer],
    reasons: tuple[str, ...],
) -> None:
    configuration = Configuration(
        skills=skills,
        queues=queues,
        accounts=accounts,
        agents=agents,
        issuers=issuers,
        answers=answers,
        not_ready_reasons=reasons,
    )
    checked = check_text(as_text(configuration), "dev")
    assert [problem for problem in checked.problems if not problem.warning] == []
    assert checked.configuration == configuration
