"""Tables, queues and the bucket of one stage, made on the local engine from the template that deploys them."""

import json
from collections.abc import Mapping
from contextlib import closing
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from infra.local.template_values import Place, Template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

REGION = "us-east-1"
CREDENTIAL = "local"  # the engines take any; twelve digits would be an account of its own

_TABLES = {
    "ThreadsTable": "THREADS_TABLE",
    "CustomersTable": "CUSTOMERS_TABLE",
    "RoutingTable": "ROUTING_TABLE",
    "SettingsTable": "SETTINGS_TABLE",
}
_QUEUES = {
    "InboundQueue": "INBOUND_QUEUE_URL",
    "InboundDeadQueue": "INBOUND_DEAD_QUEUE_URL",
    "OutboundQueue": "OUTBOUND_QUEUE_URL",
    "OutboundDeadQueue": "OUTBOUND_DEAD_QUEUE_URL",
    "TimersQueue": "TIMERS_QUEUE_URL",
    "TimersDeadQueue": "TIMERS_DEAD_QUEUE_URL",
    "MediaQueue": "MEDIA_QUEUE_URL",
    "MediaDeadQueue": "MEDIA_DEAD_QUEUE_URL",
}
_BUCKETS = {"BlobsBucket": "BLOBS_BUCKET"}

_CREATE_TABLE = ("TableName", "KeySchema", "AttributeDefinitions", "BillingMode")
_TABLE_PROPERTIES = (*_CREATE_TABLE, "StreamSpecification", "TimeToLiveSpecification")
_QUEUE_ATTRIBUTES = (
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoThroughputLimit",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "VisibilityTimeout",
)

Properties = Mapping[str, Any]


def create_resources(endpoint_url: str, template: Mapping[str, Any], stage: str) -> dict[str, str]:
    """Create what is not there yet, bring queues up to the template, and return the environment the functions need.

    Safe to repeat. Of the template it takes tables, queues and buckets by their fixed logical ids; encryption, backups
    and alarms mean nothing here.
    """
    session = local_session()
    with (
        closing(session.client("sts", endpoint_url=endpoint_url)) as sts,
        closing(session.client("dynamodb", endpoint_url=endpoint_url)) as dynamodb,
        closing(session.client("sqs", endpoint_url=endpoint_url)) as sqs,
        closing(session.client("s3", endpoint_url=endpoint_url)) as s3,
    ):
        account = sts.get_caller_identity()["Account"]
        resolved = Template(template, Place(account=account, region=REGION, endpoint_url=endpoint_url, stage=stage))
        return (
            _variables(_TABLES, _create_tables(dynamodb, resolved))
            | _variables(_QUEUES, _create_queues(sqs, resolved))
            | _variables(_BUCKETS, _create_buckets(s3, resolved))
            | _whereabouts(endpoint_url, stage)
        )


@cache
def local_session() -> boto3.session.Session:
    """Return credentials and region of the local stack; kept, because reading the service models takes long."""
    return boto3.session.Session(aws_access_key_id=CREDENTIAL, aws_secret_access_key=CREDENTIAL, region_name=REGION)


def _whereabouts(endpoint_url: str, stage: str) -> dict[str, str]:
    return {
        "STAGE": stage,
        "SECRETS_PREFIX": f"/throughline/{stage}",
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": CREDENTIAL,
        "AWS_SECRET_ACCESS_KEY": CREDENTIAL,
    }


def _variables(names: Mapping[str, str], created: Mapping[str, str]) -> dict[str, str]:
    return {names[logical_id]: value for logical_id, value in created.items() if logical_id in names}


def _create_tables(dynamodb: "DynamoDBClient", template: Template) -> dict[str, str]:
    tables = template.resources("AWS::DynamoDB::Table", _TABLE_PROPERTIES)
    return {logical_id: _create_table(dynamodb, properties) for logical_id, properties in tables}


def _create_table(dynamodb: "DynamoDBClient", properties: Properties) -> str:
    name: str = properties["TableName"]
    request = {key: properties[key] for key in _CREATE_TABLE if key in properties}
    stream = properties.get("StreamSpecification")
    if stream is not None:
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream["StreamViewType"]}
    try:
        dynamodb.create_table(**request)
    except dynamodb.exceptions.ResourceInUseException:
        pass
    else:
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    _set_time_to_live(dynamodb, name, properties.get("TimeToLiveSpecification"))
    return name


def _set_time_to_live(dynamodb: "DynamoDBClient", table: str, wanted: Properties | None) -> None:
    if wanted is None:
        return
    actual = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if actual.get("TimeToLiveStatus") != "ENABLED" and wanted["Enabled"]:
        dynamodb.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"AttributeName": wanted["AttributeName"], "Enabled": True}
        )


def _create_queues(sqs: "SQSClient", template: Template) -> dict[str, str]:
    queues = template.resources("AWS::SQS::Queue", ("QueueName", "FifoQueue", *_QUEUE_ATTRIBUTES))
    dead_letters_first = sorted(queues, key=lambda queue: "RedrivePolicy" in queue[1])
    return {logical_id: _create_queue(sqs, properties) for logical_id, properties in dead_letters_first}


def _create_queue(sqs: "SQSClient", properties: Properties) -> str:
    name: str = properties["QueueName"]
    attributes: Any = {key: _as_text(properties[key]) for key in _QUEUE_ATTRIBUTES if key in properties}
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        kind: Any = {"FifoQueue": "true"} if properties.get("FifoQueue") else {}
        return sqs.create_queue(QueueName=name, Attributes=kind | attributes)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    return url


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _create_buckets(s3: "S3Client", template: Template) -> dict[str, str]:
    buckets = template.resources("AWS::S3::Bucket", ["BucketName", "CorsConfiguration"])
    return {logical_id: _create_bucket(s3, properties) for logical_id, properties in buckets}


def _create_bucket(s3: "S3Client", properties: Properties) -> str:
    name: str = properties["BucketName"]
    try:
        s3.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
            raise
        s3.create_bucket(Bucket=name)
    rules: Any = properties.get("CorsConfiguration", {}).get("CorsRules")
    if rules:
        s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [_cors_rule(rule) for rule in rules]})
    return name


def _cors_rule(rule: Properties) -> Any:
    """Return a rule in the API's words: it says MaxAgeSeconds where the template says MaxAge."""
    return {"MaxAgeSeconds" if key == "MaxAge" else key: value for key, value in rule.items()}
