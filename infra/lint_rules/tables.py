"""cfn-lint rules of this house about tables: what they hold can be brought back, and not be read off a disk."""

from collections.abc import Mapping
from typing import Any

from cfnlint.rules import CloudFormationLintRule, RuleMatch

TABLE = "AWS::DynamoDB::Table"
RECOVERABLE = ("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")
ENCRYPTED = ("SSESpecification", "SSEEnabled")


class EveryTableCanBeBroughtBack(CloudFormationLintRule):  # type: ignore[misc]
    """A table is the only copy of what it holds."""

    id = "E9004"
    shortdesc = "Every table has point-in-time recovery"
    description = "Each DynamoDB table enables point-in-time recovery, and is kept when the stack goes."
    tags = ("throughline", "dynamodb")

    def match(self, cfn: Any) -> list[RuleMatch]:
        """Return one match for each table that a mistake would empty for good."""
        return [
            RuleMatch(["Resources", name], f"{name} has no point-in-time recovery")
            for name, table in cfn.get_resources([TABLE]).items()
            if not _enabled(table, *RECOVERABLE)
        ] + [
            RuleMatch(["Resources", name], f"{name} would go with the stack; its DeletionPolicy is not Retain")
            for name, table in cfn.get_resources([TABLE]).items()
            if table.get("DeletionPolicy") != "Retain"
        ]


class EveryTableIsEncrypted(CloudFormationLintRule):  # type: ignore[misc]
    """With a key whose use is logged in this account, not with the service's own."""

    id = "E9005"
    shortdesc = "Every table is encrypted with a key of this account"
    description = "Each DynamoDB table enables SSESpecification."
    tags = ("throughline", "dynamodb")

    def match(self, cfn: Any) -> list[RuleMatch]:
        """Return one match for each table that is not."""
        return [
            RuleMatch(["Resources", name], f"{name} is not encrypted with a key of this account")
            for name, table in cfn.get_resources([TABLE]).items()
            if not _enabled(table, *ENCRYPTED)
        ]


def _enabled(table: Mapping[str, Any], specification: str, switch: str) -> bool:
    properties = table.get("Properties") or {}
    return (properties.get(specification) or {}).get(switch) is True
