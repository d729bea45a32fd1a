"""Where AWS calls go: into the embedded cloud or to AWS, behind one interface.

In: an endpoint URL, or a profile and a region. Out: boto3 clients, one per service and target.
"""

import os
import threading
from dataclasses import dataclass
from typing import Any, Final, Protocol

import boto3
import botocore.session
from botocore.config import Config

from headway.cloud.process import EMBEDDED_REGION

# Nothing of the user's AWS configuration reaches the embedded cloud: neither a profile that does not exist here,
# which botocore refuses even beside explicit credentials, nor settings of the default profile.
_WITHOUT_USER_CONFIGURATION = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


class Target(Protocol):
    """A cloud to talk to."""

    @property
    def region(self) -> str:
        """Return the region that the clients call."""

    def client(self, name: str) -> Any:
        """Return the boto3 client of the service `name`: the same one each time, safe to share between threads."""

    def table(self, name: str) -> Any:
        """Return a DynamoDB table, to be used by one thread."""


class _SessionTarget:
    def __init__(self, session: boto3.Session, config: Config, endpoint_url: str | None) -> None:
        self._session = session
        self._config = config
        self._endpoint_url = endpoint_url
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()  # clients are thread-safe, making them is not

    @property
    def region(self) -> str:
        """Return the region that the clients call."""
        return self._session.region_name

    def client(self, name: str) -> Any:
        """Return the boto3 client of the service `name`, made on first use."""
        with self._lock:
            if name not in self._clients:
                make: Any = self._session.client  # its overloads want a literal name
                self._clients[name] = make(name, config=self._config, endpoint_url=self._endpoint_url)
            return self._clients[name]

    def table(self, name: str) -> Any:
        """Return a DynamoDB table, to be used by one thread."""
        return self._session.resource("dynamodb", config=self._config, endpoint_url=self._endpoint_url).Table(name)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """What requests are signed with; the session token is a role's."""

    key_id: str
    secret: str
    session_token: str | None = None


ADMINISTRATOR: Final = AccessKey("test", "test")
"""May do everything in the embedded cloud."""


class LocalTarget(_SessionTarget):
    """The embedded cloud that listens at `endpoint_url`."""

    def __init__(self, endpoint_url: str, key: AccessKey = ADMINISTRATOR) -> None:
        self.endpoint_url = endpoint_url
        core = botocore.session.Session(session_vars=_WITHOUT_USER_CONFIGURATION)
        session = boto3.Session(
            key.key_id, key.secret, key.session_token, region_name=EMBEDDED_REGION, botocore_session=core
        )
        config = Config(
            inject_host_prefix=False,  # `sync-127.0.0.1` (StartSyncExecution) is no host
            proxies={},
            max_pool_connections=50,
            s3={"addressing_style": "path"},
        )
        super().__init__(session, config, endpoint_url)

    def in_role(self, role_arn: str) -> "LocalTarget":
        """Return the same cloud, asked in a role that the account may assume."""
        given = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="headway")["Credentials"]
        return LocalTarget(
            self.endpoint_url, AccessKey(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        )


class AwsTarget(_SessionTarget):
    """AWS itself, with the credentials of `profile`, or else those of the environment."""

    def __init__(self, profile: str | None, region: str | None) -> None:
        session = boto3.Session(profile_name=profile, region_name=region)
        super().__init__(session, Config(retries={"mode": "standard"}, max_pool_connections=50), None)
