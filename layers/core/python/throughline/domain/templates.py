"""Message templates: texts that a provider approved beforehand, and so takes also outside the reply window."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from throughline.domain.errors import InvalidRequestError

_PLACEHOLDER = re.compile(r"\{\{(\d{1,2})\}\}")


def placeholders(text: str) -> set[int]:
    """Return the numbers of the parameters that a template's text has places for."""
    return {int(number) for number in _PLACEHOLDER.findall(text)}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTemplate:
    """A template as it is configured for a channel account.

    `provider_name` is what the provider calls it (WhatsApp: its name, Twilio: its content SID), by default our own
    `name`. `text` is its body, with ``{{1}}``, ``{{2}}`` … for the parameters. `header` is the kind of the one file it
    needs, or None.
    """

    name: str
    language: str
    text: str
    provider_name: str = ""
    header: str | None = None

    @property
    def parameter_count(self) -> int:
        """Return how many parameters the text has."""
        return max(placeholders(self.text), default=0)

    def filled(self, parameters: Sequence[str]) -> str:
        """Return the text that the customer reads.

        Raises:
            InvalidRequestError: there are too many parameters or too few.
        """
        if len(parameters) != self.parameter_count:
            raise InvalidRequestError(f"template: has {self.parameter_count} parameters")
        return _PLACEHOLDER.sub(lambda found: parameters[int(found[1]) - 1], self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledTemplate:
    """A template on its way: our name of it, the provider's, and what stands in the places of its parameters."""

    name: str
    provider_name: str
    language: str
    parameters: tuple[str, ...] = ()
