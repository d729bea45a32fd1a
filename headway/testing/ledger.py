"""The ledger's tables, as a benchmark reads them when the calls are over."""

from collections.abc import Mapping

from headway.deployment.target import LocalTarget

Record = Mapping[str, str]
"""Attributes by name; numbers are texts, as DynamoDB writes them."""


def records(target: LocalTarget, table: str) -> list[Record]:
    """Return all items of a table."""
    pages = target.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    items = [item for page in pages for item in page["Items"]]
    return [{name: next(iter(value.values())) for name, value in item.items()} for item in items]
