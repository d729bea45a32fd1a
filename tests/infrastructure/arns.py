"""ARNs as the templates' texts have them: `<name>` for what a template refers to."""

from typing import Final

from tests.infrastructure.conftest import STAGE

HERE: Final = "<AWS::Region>:<AWS::AccountId>"


def table(vendor: str, name: str) -> str:
    """Return the ARN of one of a vendor's tables."""
    return f"arn:<AWS::Partition>:dynamodb:{HERE}:table/<{vendor}/{name}>"


def index(vendor: str, name: str, index: str) -> str:
    """Return the ARN of an index of one of a vendor's tables."""
    return f"{table(vendor, name)}/index/{index}"


def queue(vendor: str, name: str) -> str:
    """Return the ARN of one of a vendor's queues."""
    return f"arn:<AWS::Partition>:sqs:{HERE}:<{vendor}/{name}>"


def machine(vendor: str, name: str) -> str:
    """Return the ARN of one of a vendor's state machines, which has a conventional name."""
    return f"arn:<AWS::Partition>:states:{HERE}:stateMachine:headway-{STAGE}-{vendor}-{name}"


def function(vendor: str, name: str) -> str:
    """Return the ARN of one of a vendor's functions, which has a conventional name."""
    return f"arn:<AWS::Partition>:lambda:{HERE}:function:headway-{STAGE}-{vendor}-{name}"


def profile(vendor: str, kind: str) -> str:
    """Return the ARN of a vendor's configuration profile, `Contract` or `Tuning`."""
    configuration = f"{vendor}/Configuration"
    return (
        f"arn:<AWS::Partition>:appconfig:{HERE}:application/<{configuration}/Application>"
        f"/environment/<{configuration}/Environment>/configuration/<{configuration}/{kind}>"
    )


def proxy(vendor: str, call: str) -> str:
    """Return the ARN of one call through a vendor's proxy, such as `POST/v1/jobs`."""
    return f"arn:<AWS::Partition>:execute-api:{HERE}:<{vendor}/Proxy/Api>/v/{call}"


def claims(vendor: str, folder: str) -> str:
    """Return the ARN of all claim checks of a kind."""
    return f"arn:<AWS::Partition>:s3:::<{vendor}/Claims>/{folder}/{vendor}/*"
