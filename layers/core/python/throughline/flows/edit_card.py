"""Change a customer's card by hand: by whoever holds a conversation of theirs, or a supervisor."""

import re
from collections.abc import Mapping
from typing import Any

from throughline.domain.customers import CardChange
from throughline.domain.errors import InvalidRequestError
from throughline.domain.identifiers import ConversationId, CustomerId
from throughline.domain.json_fields import Fields
from throughline.domain.rights import Caller
from throughline.flows.authorize import authorize_on_customer
from throughline.ports import World

MAX_CARD_CHARACTERS = 200
MAX_LANGUAGE_CHARACTERS = 35
MAX_TIER_CHARACTERS = 40

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)


def edit_card(
    world: World, caller: Caller, customer: CustomerId, closed: ConversationId | None, given: Mapping[str, Any]
) -> None:
    """Change what `given` names of a customer's card, keep who did it and when; what is null is taken away. 2 WRU.

    Raises:
        ForbiddenError: as `authorize_on_customer`.
        InvalidRequestError: a field is not as it has to be, is not known, or there is none.
    """
    current = authorize_on_customer(world, caller, "PATCH /customers", customer, closed)
    changes = _changes(given)
    world.customers.change_card(current, changes, CardChange(by=caller.agent, at_ms=world.clock()))


def _changes(given: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = Fields(given)
    read = {
        "name": fields.text_or_none("name", MAX_CARD_CHARACTERS),
        "language": fields.text_or_none("language", MAX_LANGUAGE_CHARACTERS),
        "tier": fields.text_or_none("tier", MAX_TIER_CHARACTERS),
        "value": fields.number_or_none("value"),
    }
    fields.refuse_others()
    changes = {name: value for name, value in read.items() if name in given}
    if not changes:
        raise InvalidRequestError("one of name, language, tier and value has to be there")
    if read["language"] is not None and not _LANGUAGE.fullmatch(str(read["language"])):
        raise InvalidRequestError("language: has to be a language tag such as en or pt-BR")
    return changes
