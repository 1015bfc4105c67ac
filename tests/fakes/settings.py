"""Settings in memory."""

from throughline.domain.configuration import AgentProfile, Answer, ChannelAccount, Configuration, Issuer, Queue
from throughline.domain.identifiers import AgentId


class FakeSettings:
    """Settings of one configuration; assign `configuration` to change it, effective at once."""

    def __init__(self, configuration: Configuration | None = None) -> None:
        self.configuration = configuration or Configuration()

    def find_account(self, channel: str, name: str) -> ChannelAccount | None:
        """Return a channel account."""
        return self.configuration.find_account(channel, name)

    def find_account_by_address(self, channel: str, address: str) -> ChannelAccount | None:
        """Return a channel account."""
        return self.configuration.find_account_by_address(channel, address)

    def list_accounts(self) -> list[ChannelAccount]:
        """Return every channel account."""
        return list(self.configuration.accounts.values())

    def find_queue(self, name: str) -> Queue | None:
        """Return a queue."""
        return self.configuration.queues.get(name)

    def get_queue(self, name: str) -> Queue:
        """Return a queue."""
        return self.configuration.get_queue(name)

    def list_queues(self) -> list[Queue]:
        """Return every queue."""
        return list(self.configuration.queues.values())

    def find_agent_profile(self, agent: AgentId) -> AgentProfile | None:
        """Return an agent's profile."""
        return self.configuration.agents.get(agent)

    def list_answers(self) -> list[Answer]:
        """Return every canned answer."""
        return list(self.configuration.answers.values())

    def list_not_ready_reasons(self) -> tuple[str, ...]:
        """Return the reasons of agents who are not ready."""
        return self.configuration.not_ready_reasons

    def list_issuers(self) -> list[Issuer]:
        """Return every issuer."""
        return list(self.configuration.issuers.values())
