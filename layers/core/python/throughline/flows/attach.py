"""Files: those that agents send come in by a form, all of them go out by a link that lives five minutes."""

import json
import re
from collections.abc import Mapping
from typing import Any

from throughline.domain.errors import InvalidRequestError, NotFoundError
from throughline.domain.identifiers import AgentId, ConversationId, CustomerId, parse_entry_id
from throughline.domain.json_fields import Fields
from throughline.domain.messages import Attachment
from throughline.domain.rights import Caller, require_right
from throughline.flows.authorize import authorize_on_customer
from throughline.ports import World

MAX_UPLOAD_BYTES = 16 * 1024 * 1024
MAX_NAME_CHARACTERS = 200
UPLOAD_S = 15 * 60
LINK_S = 5 * 60
UPLOAD_PREFIX = "u-"

_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


def offer_upload(world: World, caller: Caller, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an attachment's id and the form its file is posted to within 15 minutes.

    `given` has `content_type`, `size_bytes` and `name`.

    Raises:
        ForbiddenError: the caller may not send files.
        InvalidRequestError: a field is missing or not as it has to be.
    """
    require_right("POST /attachments", caller.role)
    fields = Fields(given)
    content_type = fields.text("content_type", MAX_NAME_CHARACTERS)
    size_bytes, name = fields.number("size_bytes"), fields.text("name", MAX_NAME_CHARACTERS)
    fields.refuse_others()
    if not _CONTENT_TYPE.fullmatch(content_type):
        raise InvalidRequestError("content_type: has to be a media type such as image/jpeg")
    if not 0 < size_bytes <= MAX_UPLOAD_BYTES:
        raise InvalidRequestError(f"size_bytes: has to be 1 to {MAX_UPLOAD_BYTES}")
    upload = f"{UPLOAD_PREFIX}{world.draw()}{world.draw()}"
    card = {"by": caller.subject, "content_type": content_type, "size_bytes": size_bytes, "name": name}
    world.blobs.put(_card_key(upload), json.dumps(card).encode(), "application/json")
    form = world.blobs.upload_form(_key(upload), content_type=content_type, max_bytes=size_bytes, seconds=UPLOAD_S)
    return {"id": upload, "upload": form}


def get_upload(world: World, agent: AgentId, upload: str) -> Attachment:
    """Return what an agent has uploaded, ready to be sent. One read of the bucket.

    Raises:
        NotFoundError: this agent was offered no such upload.
    """
    plain = upload.removeprefix(UPLOAD_PREFIX)
    if not (upload.startswith(UPLOAD_PREFIX) and plain.isalnum() and plain.isascii()):
        raise NotFoundError("no such attachment")
    card = json.loads(world.blobs.get(_card_key(upload)))
    if card["by"] != agent:
        raise NotFoundError("no such attachment")
    return Attachment(
        kind=_kind(card["content_type"]),
        content_type=card["content_type"],
        name=card["name"],
        size_bytes=card["size_bytes"],
        blob=_key(upload),
    )


def link_attachment(world: World, caller: Caller, attachment: str, closed: ConversationId | None = None) -> str:
    """Return a URL that hands the file out for five minutes. `closed` as in `authorize_on_customer`.

    Raises:
        ForbiddenError: the caller may not read the customer's thread.
        NotFoundError: there is no such attachment, or its file was not copied (yet).
    """
    found = _find(world, caller, attachment, closed)
    if found.blob is None:
        raise NotFoundError("the file is not here")
    return world.blobs.link(found.blob, seconds=LINK_S, name=found.name)


def _find(world: World, caller: Caller, attachment: str, closed: ConversationId | None) -> Attachment:
    if attachment.startswith(UPLOAD_PREFIX):
        return get_upload(world, caller.agent, attachment)
    entry_id, _, index = attachment.rpartition(".")
    home, reference = parse_entry_id(entry_id, field="attachment")
    authorize_on_customer(world, caller, "GET /attachments", CustomerId(home), closed)
    entry = world.threads.find_entry(home, reference)
    if entry is None or not index.isdecimal() or int(index) >= len(entry.attachments):
        raise NotFoundError("no such attachment")
    return entry.attachments[int(index)]


def _kind(content_type: str) -> str:
    family = content_type.partition("/")[0]
    return family if family in {"image", "video", "audio"} else "document"


def _key(upload: str) -> str:
    return f"uploads/{upload}"


def _card_key(upload: str) -> str:
    return f"uploads/{upload}.json"
