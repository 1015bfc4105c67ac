"""Moto inside the test process is atomic once the lock is installed; without it nearly every run of these fails."""

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from moto import mock_aws

from infra.local import moto_lock

THREADS = 8
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(autouse=True)
def _moto() -> Iterator[None]:
    moto_lock.install()
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns far more often than they would
    with patch.dict(os.environ, CREDENTIALS), mock_aws():
        yield
    sys.setswitchinterval(usual)


def test_transactions_of_several_threads_leave_no_trace_of_each_other() -> None:
    with closing(boto3.client("dynamodb")) as dynamodb:
        dynamodb.create_table(
            TableName="claims",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.put_item(TableName="claims", Item={"pk": {"S": "agent"}, "n": {"N": "0"}})
        barrier = threading.Barrier(THREADS)

        def claim(thread: int) -> int:
            barrier.wait()
            return sum(_claimed(dynamodb, f"{thread}-{number}") for number in range(5))

        with ThreadPoolExecutor(THREADS) as pool:
            won = sum(pool.map(claim, range(THREADS)))
        items = dynamodb.scan(TableName="claims", ConsistentRead=True)["Items"]
    agent = next(item for item in items if item["pk"]["S"] == "agent")
    assert won == int(agent["n"]["N"]) == len(items) - 1 == 10


def _claimed(dynamodb: Any, contact: str) -> bool:
    agent = {
        "Update": {
            "TableName": "claims",
            "Key": {"pk": {"S": "agent"}},
            "UpdateExpression": "ADD n :one",
            "ConditionExpression": "n < :ten",
            "ExpressionAttributeValues": {":one": {"N": "1"}, ":ten": {"N": "10"}},
        }
    }
    taken = {"Put": {"TableName": "claims", "Item": {"pk": {"S": contact}}}}
    try:
        dynamodb.transact_write_items(TransactItems=[taken, agent])
    except dynamodb.exceptions.TransactionCanceledException:
        return False
    return True


def test_a_waiting_receiver_keeps_nobody_out() -> None:
    with closing(boto3.client("sqs")) as sqs, ThreadPoolExecutor(1) as pool:
        url = sqs.create_queue(QueueName="timers")["QueueUrl"]
        waiting = pool.submit(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        sqs.send_message(QueueUrl=url, MessageBody="hello")
        assert [message["Body"] for message in waiting.result()["Messages"]] == ["hello"]
