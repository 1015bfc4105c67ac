"""Two homes that turn out to be one person's: nothing is lost, nobody is left with half a conversation."""

from itertools import pairwise

import pytest

from tests.unit.dying import DiedError, Fate
from tests.unit.stage import ANA, BSUID, OTHER, PHONE, SMS, WHATSAPP, Stage, leaves, stage, two_matters
from throughline.domain.conversations import ContactState
from throughline.domain.identifiers import CustomerId, Evidence, Identifier
from throughline.domain.messages import ConsentChanged, IdentityChanged
from throughline.domain.routing import Presence
from throughline.flows.conclude import close
from throughline.flows.presence import set_presence
from throughline.flows.read_thread import read_conversation
from throughline.flows.requeue import find_head

FIRST, AGAIN = False, True
BY_PHONE = f"twilio_sms/+15005550006|{PHONE}"
BY_ID = f"whatsapp/1001|{BSUID}"


def join(scene: Stage, *senders: str) -> None:
    scene.writes(*(senders or (PHONE, BSUID)), **WHATSAPP).step(FIRST)
    scene.centre.pass_s(0)


def opt_out(scene: Stage, identifier: str) -> None:
    scene.centre.deliver(
        ConsentChanged(
            channel="whatsapp",
            account=WHATSAPP["account"],
            provider_id="opt-out",
            senders=(Identifier.parse(identifier),),
            sent_ms=scene.centre.now_ms,
            granted=False,
        )
    )


def is_opted_out(scene: Stage, identifier: str) -> bool:
    customer = scene.centre.live(identifier).customer
    known = scene.centre.customers.find_identifier(customer, Identifier.parse(identifier))
    return known is not None and known.opted_out(WHATSAPP["account"])


def test_an_opt_out_holds_when_its_identifier_joins_another_customer() -> None:
    scene = two_matters()
    opt_out(scene, BSUID)
    join(scene)
    assert is_opted_out(scene, BSUID)


def test_an_opt_out_that_came_before_the_first_message_holds_when_its_identifier_is_linked() -> None:
    scene = stage()
    opt_out(scene, BSUID)
    join(scene)
    assert is_opted_out(scene, BSUID)


def test_every_home_of_a_joined_customer_is_read_with_the_one_they_joined() -> None:
    scene = two_matters()
    join(scene)
    scene.wrote(OTHER)
    join(scene, OTHER, BSUID)
    head = scene.centre.live(PHONE)
    customer = scene.centre.customers.find_customer(head.customer)
    assert customer is not None
    assert {scene.centre.home(sender) for sender in (PHONE, BSUID, OTHER)} <= set(customer.homes)
    assert len(read_conversation(scene.world, head, None)) == len(scene.centre.threads.entries)


def test_the_customer_can_still_be_answered_every_way_they_wrote() -> None:
    scene = two_matters()
    join(scene)
    assert {BY_PHONE, BY_ID} <= set(scene.centre.live(PHONE).vias)


def test_a_conversation_that_joins_another_ends_for_its_agent_and_says_why() -> None:
    scene = two_matters()
    head = scene.centre.live(BSUID)
    join(scene)
    ended = find_head(scene.world, head.conversation)
    assert ended is not None
    assert (ended.state, ended.holder) == (ContactState.RESOLVED, None)
    told = {
        frame["conversation"]: frame["state"] for frame in scene.centre.sockets.to(f"{head.holder}-1", "conversation")
    }
    assert told[head.conversation] == "resolved"
    change = scene.centre.threads.list_changes(head.home, head.conversation)[-1]
    assert (change.state, change.by, change.agent) == (ContactState.RESOLVED, "routing", head.holder)


def test_an_offer_of_a_conversation_that_joins_another_ends_on_the_screen() -> None:
    scene = stage().here("ana").wrote(PHONE, **SMS).accepted(PHONE).wrote(BSUID)
    offered = scene.centre.live(BSUID)
    assert offered.holder == ANA
    join(scene)
    assert [frame["conversation"] for frame in scene.centre.sockets.to("ana-1", "offer.ended")][-1] == (
        offered.conversation
    )


def test_the_screens_of_who_goes_on_are_made_to_ask_for_what_has_joined() -> None:
    scene = two_matters()
    survivor = scene.centre.live(PHONE)
    version = survivor.version
    join(scene)
    versions = [frame["version"] for frame in scene.centre.sockets.to(f"{survivor.holder}-1") if "version" in frame]
    assert max(versions) == scene.centre.live(PHONE).version
    assert not set(range(version + 1, max(versions) + 1)) <= set(versions)  # a gap: docs/protocol.md


def test_messages_that_waited_are_not_overlooked_when_they_join_a_conversation_under_way() -> None:
    scene = stage().here("ana").wrote(PHONE, **SMS).accepted(PHONE)
    set_presence(scene.world, ANA, Presence.NOT_READY, None)
    version = scene.centre.live(PHONE).version
    scene.wrote(BSUID).wrote(BSUID)
    join(scene, BSUID, PHONE)
    frames = [frame for frame in scene.centre.sockets.to("ana-1", "message") if frame["version"] > version]
    assert min(frame["version"] for frame in frames) > version + 1


def test_a_served_conversation_of_one_message_does_not_give_way_to_another() -> None:
    scene = stage().here("ana", "budi").wrote(BSUID).accepted(BSUID).wrote(OTHER).accepted(OTHER)
    served = scene.centre.live(BSUID)
    changed = IdentityChanged(
        channel="whatsapp",
        account=WHATSAPP["account"],
        provider_id="identity",
        senders=(Identifier.parse(BSUID),),
        sent_ms=scene.centre.now_ms,
        previous=Identifier.parse(BSUID),
        current=Identifier(kind="bsuid", value="US.777", evidence=Evidence.ATTESTED),
    )
    scene.centre.deliver(changed)
    assert scene.centre.live(OTHER).conversation == served.conversation


def test_a_conversation_that_is_over_joins_the_one_that_is_under_way() -> None:
    scene = two_matters()
    over, served = scene.centre.live(PHONE), scene.centre.live(BSUID)
    assert over.holder
    close(scene.world, over.holder, over.conversation, "solved", None)
    join(scene)
    now = scene.centre.live(PHONE)
    assert (now.conversation, now.state, now.holder) == (served.conversation, ContactState.ACTIVE, served.holder)


def test_the_edge_of_a_link_is_kept_though_the_process_died_right_after_the_claim() -> None:
    scene = stage().writes(PHONE, BSUID, **WHATSAPP)
    with pytest.raises(DiedError), Fate(scene.world).dying(number_of("add_identifier"), after=True):
        scene.step(FIRST)
    scene.step(AGAIN)
    assert (scene.centre.live(PHONE).customer, CustomerId(scene.centre.home(BSUID))) in scene.centre.customers.links


def number_of(request: str) -> int:
    """Return which of the requests of a first message with two identifiers this is."""
    scene = stage().writes(PHONE, BSUID, **WHATSAPP)
    fate = Fate(scene.world)
    with fate.watched():
        scene.step(FIRST)
    return fate.requests.index(request) + 1


def test_a_message_finds_the_conversation_through_any_number_of_joinings() -> None:
    scene = stage().here("ana", "budi", "sara")
    people = [f"bsuid:US.{number}" for number in range(9)]
    scene.wrote(people[0]).accepted(people[0])
    for earlier, later in pairwise(people):
        scene.did(lambda it: it.centre.pass_s(1)).wrote(later)
        holder = scene.centre.live(later).holder
        if holder:
            scene.accepted(later)
        else:
            scene.did(leaves(ANA)).here("ana").accepted(later)
        join(scene, later, earlier)
    before = scene.centre.live(people[-1])
    scene.wrote(people[0])
    assert scene.centre.live(people[-1]).version == before.version + 1


def test_the_preview_of_an_offer_is_found_in_the_home_the_message_came_to() -> None:
    scene = two_matters()
    join(scene)
    head = scene.centre.live(PHONE)
    scene.centre.pass_s(1)
    scene.centre.write(BSUID, "where is my parcel?", **WHATSAPP)
    assert head.holder
    scene.did(leaves(head.holder))
    scene.centre.pass_s(60)
    other = scene.centre.live(PHONE).holder
    assert other not in {None, head.holder}
    assert scene.centre.offers(f"{other}-1")[-1]["preview"] == "where is my parcel?"
