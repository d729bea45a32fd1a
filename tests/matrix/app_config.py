"""AppConfig's data plane, which moto does not have: the documents of one vendor, in sessions."""

import json
from collections.abc import Mapping
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.awsrequest import AWSPreparedRequest

from tests.matrix.network import Response
from tests.matrix.wire import document_of


class AppConfigData:
    """Serves documents by the names of their profiles."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self._documents = documents
        self._numbers = count(1)
        self._tokens: dict[str, str] = {}

    def __call__(self, operation: str, request: AWSPreparedRequest) -> Response:
        """Answer a request as AppConfig does: a token is good once or, where its response was lost, again."""
        if operation == "StartConfigurationSession":
            profile = document_of(request)["ConfigurationProfileIdentifier"]
            return 201, {}, json.dumps({"InitialConfigurationToken": self._token(profile)}).encode()
        assert operation == "GetLatestConfiguration", operation
        [token] = parse_qs(urlsplit(str(request.url)).query)["configuration_token"]
        profile = self._tokens[token]
        headers = {"Next-Poll-Configuration-Token": self._token(profile), "Content-Type": "application/json"}
        return 200, headers, json.dumps(self._documents[profile]).encode()

    def _token(self, profile: str) -> str:
        token = f"configuration-{next(self._numbers)}"
        self._tokens[token] = profile
        return token
