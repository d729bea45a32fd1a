"""The functions of a project: one for each folder of `functions/` that has a `handler.py`."""

from pathlib import Path
from typing import Final

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from headway_cdk.bundle import IGNORED
from headway_cdk.constructs.lambda_function import LambdaFunction
from headway_cdk.names import WORKFLOWS, own_name

HANDLER: Final = "handler.handle"
TIMEOUT_S: Final = 30
"""A state that invokes one gives it longer (`TimeoutSeconds`), because Step Functions counts its cold start, too."""


def project_function(scope: Construct, folder: Path, stage: str) -> LambdaFunction:
    """Make the function of a folder, whose `handler.py` has `handle(event, context)`; it may write its log."""
    return LambdaFunction(
        scope,
        f"Function-{folder.name}",
        name=own_name(stage, WORKFLOWS, folder.name),
        code=lambda_.Code.from_asset(str(folder), exclude=list(IGNORED)),
        handler=HANDLER,
        timeout_s=TIMEOUT_S,
        environment={},
    )
