"""The way to the vendor (hop 5): an HTTP client for the rate-limited API Gateway proxy, shared by caller and results.

The proxy asks for IAM: SigV4 takes the `Authorization` header, so the vendor's credential travels in CREDENTIAL_HEADER
and the proxy maps it back.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from headway_lane.contract.exchange import Credential
from headway_lane.contract.limit_headers import LimitHeaders
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.names import CREDENTIAL_HEADER, Environment
from headway_lane.runtime.secrets import secret
from headway_lane.runtime.settings import setting
from headway_lane.vendor_api.warm_connection import WarmClient


class SigV4(httpx.Auth):
    """Signs requests for API Gateway (`execute-api`) with the function's own role."""

    requires_request_body = True

    def __init__(self, credentials: Credentials, region: str) -> None:
        self._signer = SigV4Auth(credentials, "execute-api", region)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the signature headers."""
        headers = {name: request.headers[name] for name in ("host", "content-type") if name in request.headers}
        signed = AWSRequest(method=request.method, url=str(request.url), data=request.content, headers=headers)
        self._signer.add_auth(signed)
        for header in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token"):
            if header in signed.headers:
                request.headers[header] = signed.headers[header]
        yield request


@dataclass(frozen=True, slots=True)
class Proxy:
    """Sends requests to one vendor; `token` is the vendor's API token, None where the contract has no credential,
    `headers` are what the vendor wants with every call, and `limit_headers` those of its answers that the contract
    names.
    """

    client: httpx.Client
    credential: Credential | None
    token: str | None = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    limit_headers: Sequence[LimitHeaders] = ()

    def send(
        self,
        method: str,
        path: str,
        timeout_s: float,
        *,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send one request, with a body as JSON or as a form, and return the answer, whatever its status. Raises
        httpx.TransportError.

        `timeout_s` bounds each of connecting, writing and waiting for the next byte.
        """
        return self.client.request(
            method,
            path,
            json=json,
            data=form,
            params=query or None,
            headers={**self.headers, **(headers or {}), **self._credential_headers()},
            timeout=timeout_s,
        )

    def connect_ahead(self) -> None:
        """See that the next request finds a connection, where the client can connect ahead."""
        if isinstance(self.client, WarmClient):
            self.client.connect_ahead()

    @property
    def secrets(self) -> list[str]:
        """What nobody else may read in a vendor's answer."""
        return [] if self.token is None else [self.token]

    def _credential_headers(self) -> dict[str, str]:
        if self.credential is None or self.token is None:
            return {}
        return {CREDENTIAL_HEADER: self.credential.value(self.token)}


def client_for(url: str) -> httpx.Client:
    """Build the HTTP client of a worker, which signs with the worker's own credentials."""
    session = boto3.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise RuntimeError("the function has no AWS credentials to sign its calls to the proxy with")
    return WarmClient(url, SigV4(credentials, session.region_name))


def proxy_of(client: httpx.Client, vendor: Vendor) -> Proxy:
    """Return the proxy that the stack bound to this function, with the vendor's token as it is now."""
    credential = vendor.credential
    return Proxy(
        client=client,
        credential=credential,
        token=None if credential is None else secret(setting(Environment.API_TOKEN_SECRET)),
        headers=vendor.headers,
        limit_headers=vendor.limit_headers,
    )
