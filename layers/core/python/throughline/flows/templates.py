"""The templates of a channel account, filled in."""

from collections.abc import Sequence
from dataclasses import dataclass

from throughline.domain.client_frames import TemplateAsked
from throughline.domain.errors import InvalidRequestError
from throughline.domain.messages import Attachment
from throughline.domain.templates import FilledTemplate, MessageTemplate
from throughline.domain.vias import Via
from throughline.ports import World


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateText:
    """A template as it is sent, and as the customer reads it."""

    filled: FilledTemplate
    text: str


def get_template(world: World, via: Via, asked: TemplateAsked, files: Sequence[Attachment]) -> TemplateText:
    """Return the template of the way's account that is asked for. `files` are what is attached: its header.

    Raises:
        InvalidRequestError: the account has no such template, or the parameters or the file do not fit it.
    """
    template = _find(world, via, asked.name)
    if template is None:
        raise InvalidRequestError("template: this way of replying has none of that name")
    if [file.kind for file in files] != ([template.header] if template.header else []):
        needed = f"one attachment of kind {template.header}" if template.header else "no attachments"
        raise InvalidRequestError(f"template: takes {needed}")
    filled = FilledTemplate(
        name=template.name,
        provider_name=template.provider_name or template.name,
        language=template.language,
        parameters=asked.parameters,
    )
    return TemplateText(filled=filled, text=template.filled(asked.parameters))


def _find(world: World, via: Via, name: str) -> MessageTemplate | None:
    account = world.settings.find_account_by_address(via.channel, via.address)
    return account.templates.get(name) if account else None
