"""The CDK app: two stacks from the configuration directory. Run by `cdk` and by `headway synth`."""

import os
import sys
import tempfile
from pathlib import Path

from aws_cdk import App, Validations
from aws_cdk import aws_lambda as lambda_
from cdk_nag import AwsSolutionsChecks

from headway_cdk import bundle
from headway_cdk.configuration import ConfigurationError, load_vendors, schema
from headway_cdk.definitions import UnboundPlaceholder
from headway_cdk.resources import CONFIGURATION
from headway_cdk.stateful import StatefulStack
from headway_cdk.stateless import StatelessStack


def build(app: App, configuration: Path, code_directory: Path) -> None:
    """Add both stacks to an app."""
    files = load_vendors(configuration)
    stateful = StatefulStack(app, "HeadwayStateful", vendors=[file.vendor for file in files])
    StatelessStack(
        app,
        "HeadwayStateless",
        files=files,
        schemas={name: schema(configuration, name) for name in ("vendor", "tuning")},
        stateful=stateful,
        code=lambda_.Code.from_asset(str(code_directory)),
    )
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))


def main() -> int:
    """Build the bundle and synthesize; CDK names the output directory in the environment."""
    configuration = Path(os.environ.get("HEADWAY_CONFIGURATION", str(CONFIGURATION)))
    app = App()
    try:
        with tempfile.TemporaryDirectory() as scratch:  # the assembly gets a copy
            build(app, configuration, bundle.build(Path(scratch) / "bundle"))
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
