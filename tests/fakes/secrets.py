"""Secrets in memory."""

from collections.abc import Mapping

from throughline.domain.errors import ConfigurationError


class FakeSecrets:
    """Secrets as a dict."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})

    def get_secret(self, name: str) -> str:
        """Return a secret."""
        if name not in self.values:
            raise ConfigurationError(f"parameter {name} does not exist")
        return self.values[name]
