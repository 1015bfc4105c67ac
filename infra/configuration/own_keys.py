"""Where the stack on one machine publishes the keys it signs people in with: an address no file can know.

The port may be another one at every start. So a file names any address with this path, and what is put in force has the
address of the stack that runs.
"""

from dataclasses import replace

from throughline.domain.configuration import Configuration, Issuer

JWKS_PATH = "/local/jwks.json"


def with_own_keys(configuration: Configuration, address: str | None) -> Configuration:
    """Return the configuration with the stack's own keys at `address`; None leaves it as it is."""
    if address is None:
        return configuration
    issuers = configuration.issuers.items()
    moved = {name: replace(issuer, jwks_url=address) if _is_own(issuer) else issuer for name, issuer in issuers}
    return replace(configuration, issuers=moved)


def address_of_own_keys(configuration: Configuration) -> str | None:
    """Return where a configuration says that they are; None if it has no issuer of that kind."""
    return next((issuer.jwks_url for issuer in configuration.issuers.values() if _is_own(issuer)), None)


def _is_own(issuer: Issuer) -> bool:
    return issuer.jwks_url.endswith(JWKS_PATH)
