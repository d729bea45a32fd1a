"""The package's machines under the test kit: each test of them runs on both interpreters, without a cloud."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from headway_cdk.resources import SCAFFOLD
from moto import mock_aws

from headway.testing.kit.interpreter import REGION
from headway.testing.kit.workflow_test import WorkflowTest, WorkflowTests
from tests.workflow.machines import NAMES, definition, echo

Machine = WorkflowTests


@pytest.fixture
def machine(workflow_test: Machine) -> Machine:
    """Return what makes tests of the package's machines by name; their functions echo."""

    def make(name: str, changed: Any = None) -> WorkflowTest:
        made = workflow_test(changed or definition(name), name=name)
        made.function("echo").runs(echo)
        return made

    return make


@pytest.fixture(params=NAMES)
def workflow(request: pytest.FixtureRequest) -> tuple[str, Any]:
    """Return name and bound definition of each workflow."""
    return request.param, definition(request.param)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder of a new project, with the vendor `replicate`."""
    return Path(shutil.copytree(SCAFFOLD, tmp_path / "shop"))


@pytest.fixture(scope="session")
def dynamodb() -> Iterator[Any]:
    """Return a client of a DynamoDB in memory, with the two tables of a ledger."""
    with mock_aws():
        client = boto3.client("dynamodb", region_name=REGION)
        for table, key in (("calls", "call_id"), ("jobs", "job_key")):
            client.create_table(
                TableName=table,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        yield client
