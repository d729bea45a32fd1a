"""The CDK app: the stacks of a stage from the configuration directory. Run by `cdk` and by `headway synth`."""

import os
import sys
import tempfile
from pathlib import Path

from aws_cdk import App, Validations
from aws_cdk import aws_lambda as lambda_
from cdk_nag import AwsSolutionsChecks

from headway_cdk import bundle
from headway_cdk.configuration import ConfigurationError, checked_stage, load_vendors
from headway_cdk.definitions import UnboundPlaceholder
from headway_cdk.resources import CONFIGURATION
from headway_cdk.stacks import BaseStack, LaneStack, StateStack
from headway_cdk.stages import DEFAULT_STAGE


def build(app: App, configuration: Path, code_directory: Path, stage: str = DEFAULT_STAGE) -> None:
    """Add the stacks of a stage to an app."""
    base = BaseStack(app, stage=stage)
    for files in load_vendors(configuration):
        state = StateStack(app, stage=stage, vendor=files.vendor)
        # An asset is of the stack that it was made in: each has its own, and they are one file.
        lane = LaneStack(app, stage=stage, files=files, code=lambda_.Code.from_asset(str(code_directory)))
        lane.add_stack_dependency(base)
        lane.add_stack_dependency(state)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))


def main() -> int:
    """Build the bundle and synthesize; CDK names the output directory in the environment."""
    configuration = Path(os.environ.get("HEADWAY_CONFIGURATION", str(CONFIGURATION)))
    try:
        stage = checked_stage(os.environ.get("HEADWAY_STAGE", DEFAULT_STAGE))
        app = App()
        with tempfile.TemporaryDirectory() as scratch:  # the assembly gets a copy
            build(app, configuration, bundle.build(Path(scratch) / "bundle"), stage)
            app.synth()
    except (ConfigurationError, bundle.BundleError, UnboundPlaceholder) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the last word of a command
        return 2
    except RuntimeError as error:  # what jsii makes of every error on its side; cdk-nag has said its own before
        print(str(error).splitlines()[0], file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
