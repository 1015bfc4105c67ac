"""SSM Parameter Store: the values that the configuration only names."""

from collections.abc import Callable

from throughline.aws.clients import Clients, translated
from throughline.domain.errors import ConfigurationError

CACHE_MS = 5 * 60 * 1000


class SsmSecrets:
    """Secrets, as encrypted parameters under one prefix, each remembered for five minutes.

    One value is one parameter; while a secret is being rotated, the configuration names two.
    """

    def __init__(self, clients: Clients, prefix: str, *, clock: Callable[[], int]) -> None:
        self._clients = clients
        self._prefix = prefix.rstrip("/")
        self._clock = clock
        self._known: dict[str, tuple[int, str]] = {}

    def get_secret(self, name: str) -> str:
        """Return a secret: one GetParameter, or none while it is remembered.

        Raises:
            ConfigurationError: there is no such parameter.
            StoreUnavailableError: Parameter Store throttled us or did not answer.
        """
        now_ms = self._clock()
        known = self._known.get(name)
        if known is None or now_ms - known[0] >= CACHE_MS:
            known = self._known[name] = (now_ms, self._read(f"{self._prefix}/{name}"))
        return known[1]

    def _read(self, parameter: str) -> str:
        ssm = self._clients.ssm
        with translated(f"reading parameter {parameter}"):
            try:
                answer = ssm.get_parameter(Name=parameter, WithDecryption=True)
            except ssm.exceptions.ParameterNotFound as error:
                raise ConfigurationError(f"parameter {parameter} does not exist; set-secret makes it") from error
            return answer["Parameter"]["Value"]
