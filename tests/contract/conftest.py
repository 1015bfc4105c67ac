"""The stores under test: in memory and on DynamoDB."""

from collections.abc import Iterator

import pytest

from tests.cloud import cloud
from tests.tables import Stores, connection, dynamo_stores, fake_stores, tables_of


@pytest.fixture(params=["fake", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    if request.param == "fake":
        yield fake_stores()
        return
    with cloud():
        yield dynamo_stores(tables_of(connection()))
