"""What moto keeps in a run: tables, secrets and the bucket, in a region of its own, empty at its beginning."""

import json
from collections.abc import Mapping
from typing import Any, Final

import boto3
from headway_lane.ledger.record import EXECUTION_INDEX
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from tests.matrix.network import REGION
from tests.matrix.surroundings import API_TOKEN_ARN, CLAIMS_BUCKET, WEBHOOK_KEY_ARN
from tests.unit.headway_lane.fakes import WEBHOOK_KEY

TABLES: Final = {"Calls": "call_id", "Jobs": "job_key", "Budgets": "budget"}


class Storage:
    """Looks behind the functions' backs."""

    def __init__(self) -> None:
        for service in ("dynamodb", "secretsmanager"):
            get_backend(service)[DEFAULT_ACCOUNT_ID][REGION].reset()
        buckets: Any = get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"].buckets
        self._dynamodb: Any = boto3.client("dynamodb")
        self._s3: Any = boto3.client("s3")
        secrets: Any = boto3.client("secretsmanager")
        for table, key in TABLES.items():
            indexed = {"execution": EXECUTION_INDEX} if table == "Calls" else {}
            indexes: Any = [
                {"IndexName": name, "KeySchema": _hash(attribute), "Projection": {"ProjectionType": "KEYS_ONLY"}}
                for attribute, name in indexed.items()
            ]
            self._dynamodb.create_table(
                TableName=table,
                KeySchema=_hash(key),
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in (key, *indexed)],
                BillingMode="PAY_PER_REQUEST",
                **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
            )
        for arn, value in ((API_TOKEN_ARN, "api-token-1"), (WEBHOOK_KEY_ARN, WEBHOOK_KEY)):
            secrets.create_secret(Name=arn.rsplit(":", 1)[-1], SecretString=value)
        if CLAIMS_BUCKET in buckets:
            buckets[CLAIMS_BUCKET].keys.clear()
            return
        self._s3.create_bucket(Bucket=CLAIMS_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def put(self, key: str, document: Any) -> Mapping[str, Any]:
        """Lay a payload down as its author does; returns the pointer to it."""
        body = json.dumps(document).encode()
        self._s3.put_object(Bucket=CLAIMS_BUCKET, Key=key, Body=body)
        return {"headway_claim": {"bucket": CLAIMS_BUCKET, "key": key, "size_bytes": len(body)}}

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return all items of a table, as DynamoDB writes them. No request is made: a function may be making one."""
        kept: Any = get_backend("dynamodb")[DEFAULT_ACCOUNT_ID][REGION].tables[table]
        return [item.to_json()["Attributes"] for item in kept.all_items()]

    def update(self, arguments: Mapping[str, Any]) -> None:
        """Update an item as a state machine asks for it."""
        self._dynamodb.update_item(**arguments)


def _hash(attribute: str) -> Any:
    return [{"AttributeName": attribute, "KeyType": "HASH"}]
