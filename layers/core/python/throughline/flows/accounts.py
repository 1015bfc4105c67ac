"""A channel account with its credentials, ready for an adapter."""

from throughline.domain.configuration import ChannelAccount
from throughline.domain.errors import ConfigurationError
from throughline.ports import Account, World


def open_account(world: World, configured: ChannelAccount) -> Account:
    """Return the account with every value of its secrets, in the order in which the configuration names them.

    Raises:
        ConfigurationError: a secret it names does not exist.
        StoreUnavailableError: the secrets cannot be read now.
    """
    return Account(
        channel=configured.channel,
        name=configured.name,
        address=configured.address,
        webhook_url=webhook_url(world, configured.channel, configured.name),
        secrets={
            name: tuple(world.secrets.get_secret(parameter) for parameter in parameters)
            for name, parameters in configured.secrets.items()
        },
        settings=configured.settings,
    )


def get_account(world: World, account_id: str) -> Account:
    """Return the account that is called ``<channel>/<address>``, with its credentials.

    Raises:
        ConfigurationError: there is none any more, or one of its secrets is missing.
    """
    return open_account(world, get_configured(world, account_id))


def get_configured(world: World, account_id: str) -> ChannelAccount:
    """Return the configuration of the account that is called ``<channel>/<address>``.

    Raises:
        ConfigurationError: there is none any more.
    """
    configured = find_configured(world, account_id)
    if configured is None:
        raise ConfigurationError(f"no channel account {account_id} is configured")
    return configured


def find_configured(world: World, account_id: str) -> ChannelAccount | None:
    """Return the configuration of the account that is called ``<channel>/<address>``, or None."""
    channel, _, address = account_id.partition("/")
    return world.settings.find_account_by_address(channel, address)


def webhook_url(world: World, channel: str, name: str) -> str:
    """Return the public URL of an account's webhook: what its provider is told, and signs."""
    return f"{world.public_url}/webhooks/{channel}/{name}"
