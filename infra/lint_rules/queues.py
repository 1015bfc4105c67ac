"""cfn-lint rules of this house about queues: no message may vanish, and none may be given up on unseen."""

from collections.abc import Iterator, Mapping
from typing import Any

from cfnlint.rules import CloudFormationLintRule, RuleMatch

Resources = Mapping[str, Mapping[str, Any]]
Sources = dict[tuple[str, ...], Mapping[str, Any]]

QUEUE = "AWS::SQS::Queue"
ALARM = "AWS::CloudWatch::Alarm"
SOURCE = "AWS::Lambda::EventSourceMapping"
FUNCTION = "AWS::Serverless::Function"
WAITING = "ApproximateNumberOfMessagesVisible"


class EveryQueueHasADeadLetterQueue(CloudFormationLintRule):  # type: ignore[misc]
    """A queue without one delivers a poisonous message until it expires."""

    id = "E9001"
    shortdesc = "Every queue has a dead-letter queue"
    description = "A queue that is not itself a dead-letter queue has a redrive policy to one of this template."
    tags = ("throughline", "sqs")

    def match(self, cfn: Any) -> list[RuleMatch]:
        """Return one match for each queue that would lose what it cannot deliver."""
        queues: Resources = cfn.get_resources([QUEUE])
        dead = set(_dead_letter_queues(queues))
        return [
            RuleMatch(["Resources", name], f"{name} has no redrive policy to a dead-letter queue of this template")
            for name, queue in queues.items()
            if name not in dead and _dead_letter_queue_of(queue) not in queues
        ]


class EveryDeadLetterQueueHasAnAlarm(CloudFormationLintRule):  # type: ignore[misc]
    """A dead-letter queue that nobody watches is a bin."""

    id = "E9002"
    shortdesc = "Every dead-letter queue has an alarm"
    description = f"Each dead-letter queue stands in the dimensions of an alarm on {WAITING} that tells somebody."
    tags = ("throughline", "sqs")

    def match(self, cfn: Any) -> list[RuleMatch]:
        """Return one match for each dead-letter queue that nobody watches."""
        watched = {name for alarm in cfn.get_resources([ALARM]).values() for name in _watched_queues(alarm)}
        return [
            RuleMatch(["Resources", name], f"{name} is a dead-letter queue without an alarm on {WAITING}")
            for name in sorted(set(_dead_letter_queues(cfn.get_resources([QUEUE]))) - watched)
        ]


class EverySourceReportsPartialFailures(CloudFormationLintRule):  # type: ignore[misc]
    """Without it Lambda ignores the returned failures and deletes the whole batch."""

    id = "E9003"
    shortdesc = "Every SQS event source has ReportBatchItemFailures"
    description = "Our workers return which records failed; Lambda only listens if the event source says so."
    tags = ("throughline", "sqs", "lambda")

    def match(self, cfn: Any) -> list[RuleMatch]:
        """Return one match for each event source that deletes what failed."""
        sources = {**_sources(cfn.get_resources([SOURCE])), **_sam_sources(cfn.get_resources([FUNCTION]))}
        queues: Resources = cfn.get_resources([QUEUE])
        return [
            RuleMatch(list(path), f"{path[-1]} loses failed records: no ReportBatchItemFailures")
            for path, source in sources.items()
            if _reads_a_queue(source, queues)
            and "ReportBatchItemFailures" not in source.get("FunctionResponseTypes", [])
        ]


def _sources(mappings: Resources) -> Sources:
    return {("Resources", name): _properties(mapping) for name, mapping in mappings.items()}


def _sam_sources(functions: Resources) -> Sources:
    return {
        ("Resources", function, "Properties", "Events", name): _properties(event)
        for function, resource in functions.items()
        for name, event in _properties(resource).get("Events", {}).items()
        if event.get("Type") == "SQS"
    }


def _reads_a_queue(source: Mapping[str, Any], queues: Resources) -> bool:
    arn = source.get("EventSourceArn") or source.get("Queue")
    return _attribute_of(arn, "Arn") in queues or ":sqs:" in str(arn)


def _dead_letter_queues(queues: Resources) -> Iterator[str]:
    for queue in queues.values():
        if target := _dead_letter_queue_of(queue):
            yield target


def _dead_letter_queue_of(queue: Mapping[str, Any]) -> str | None:
    return _attribute_of(_properties(queue).get("RedrivePolicy", {}).get("deadLetterTargetArn"), "Arn")


def _watched_queues(alarm: Mapping[str, Any]) -> Iterator[str]:
    properties = _properties(alarm)
    if properties.get("MetricName") != WAITING or not properties.get("AlarmActions"):
        return
    for dimension in properties.get("Dimensions", []):
        if name := _attribute_of(dimension.get("Value"), "QueueName"):
            yield name


def _properties(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = resource.get("Properties") or {}
    return properties


def _attribute_of(value: object, attribute: str) -> str | None:
    """Return the resource whose `attribute` an Fn::GetAtt asks for, in either of its two forms."""
    asked = value.get("Fn::GetAtt") if isinstance(value, Mapping) else None
    parts = asked.split(".", 1) if isinstance(asked, str) else list(asked or ())
    return parts[0] if parts[1:] == [attribute] else None
