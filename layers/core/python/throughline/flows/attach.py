"""Files: those that agents and visitors send come in by a form, all go out by a link that lives five minutes."""

import json
import re
from collections.abc import Mapping
from typing import Any

from throughline.domain.errors import ForbiddenError, InvalidRequestError, NotFoundError
from throughline.domain.identifiers import ConversationId, CustomerId, Home, parse_entry_id
from throughline.domain.json_fields import Fields
from throughline.domain.messages import Attachment
from throughline.domain.rights import Caller, Role, require_right, require_visitor
from throughline.flows.authorize import authorize_on_customer
from throughline.flows.visitor_ways import is_theirs
from throughline.ports import World

MAX_UPLOAD_BYTES = 16 * 1024 * 1024
MAX_NAME_CHARACTERS = 200
MAX_VISITOR_BYTES = 10 * 1024 * 1024
# Nothing that a browser would run or an office program would execute.
VISITOR_TYPES = frozenset(
    {
        *("image/png", "image/jpeg", "image/gif", "image/webp", "video/mp4", "audio/mpeg", "audio/mp4", "audio/ogg"),
        *("audio/webm", "video/webm", "application/pdf", "text/plain"),
    }
)
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
    visits = caller.role is Role.VISITOR and require_visitor(caller.visitor)
    if visits and content_type not in VISITOR_TYPES:
        raise InvalidRequestError("content_type: files of this type are not taken")
    max_bytes = MAX_VISITOR_BYTES if visits else MAX_UPLOAD_BYTES
    if not 0 < size_bytes <= max_bytes:
        raise InvalidRequestError(f"size_bytes: has to be 1 to {max_bytes}")
    upload = f"{UPLOAD_PREFIX}{world.draw()}{world.draw()}"
    card = {"by": caller.subject, "content_type": content_type, "size_bytes": size_bytes, "name": name}
    world.blobs.put(_card_key(upload), json.dumps(card).encode(), "application/json")
    form = world.blobs.upload_form(_key(upload), content_type=content_type, max_bytes=size_bytes, seconds=UPLOAD_S)
    return {"id": upload, "upload": form}


def get_upload(world: World, subject: str, upload: str) -> Attachment:
    """Return what an agent or a visitor has uploaded, ready to be sent. One read of the bucket.

    Raises:
        NotFoundError: they were offered no such upload.
    """
    plain = upload.removeprefix(UPLOAD_PREFIX)
    if not (upload.startswith(UPLOAD_PREFIX) and plain.isalnum() and plain.isascii()):
        raise NotFoundError("no such attachment")
    card = json.loads(world.blobs.get(_card_key(upload)))
    if card["by"] != subject:
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
        ForbiddenError: the caller may not read the customer's thread; of a visitor, it is not their own.
        NotFoundError: there is no such attachment, or its file was not copied (yet).
    """
    found = _find(world, caller, attachment, closed)
    if found.blob is None:
        raise NotFoundError("the file is not here")
    return world.blobs.link(found.blob, seconds=LINK_S, name=found.name)


def _find(world: World, caller: Caller, attachment: str, closed: ConversationId | None) -> Attachment:
    if attachment.startswith(UPLOAD_PREFIX):
        return get_upload(world, caller.subject, attachment)
    entry_id, _, index = attachment.rpartition(".")
    home, reference = parse_entry_id(entry_id, field="attachment")
    if caller.role is Role.VISITOR:
        _require_shown(world, caller, home, reference)
    else:
        authorize_on_customer(world, caller, "GET /attachments", CustomerId(home), closed)
    entry = world.threads.find_entry(home, reference)
    found = {str(place): item for place, item in enumerate(entry.attachments)} if entry else {}
    if index not in found:
        raise NotFoundError("no such attachment")
    return found[index]


def _require_shown(world: World, caller: Caller, home: Home, reference: str) -> None:
    """Return quietly if an entry is for this visitor to see; whatever else there is, they are not told that it is."""
    require_right("GET /attachments", caller.role)
    visitor = require_visitor(caller.visitor)
    entry = world.threads.find_entry(home, reference)
    if entry is None or not is_theirs(world, visitor, entry):
        raise ForbiddenError("this is not of the visitor's own thread")


def _kind(content_type: str) -> str:
    family = content_type.partition("/")[0]
    return family if family in {"image", "video", "audio"} else "document"


def _key(upload: str) -> str:
    return f"uploads/{upload}"


def _card_key(upload: str) -> str:
    return f"uploads/{upload}.json"
