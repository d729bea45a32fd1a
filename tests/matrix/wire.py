"""Requests and errors of AWS's JSON protocols, checked against botocore's models."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from tests.matrix.network import Response


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def checked(service: str, operation: str, request: AWSPreparedRequest) -> Mapping[str, Any]:
    """Return what a request asks for; AssertionError where the service's model has no such request."""
    asked: Mapping[str, Any] = json.loads(request.body or b"{}")
    shape = _model(service).operation_model(operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(asked, shape)
    assert not report.has_errors(), report.generate_report()
    return asked


def refused(code: str) -> Response:
    """Return an error of a JSON protocol."""
    return 400, {}, json.dumps({"__type": code, "message": "as AWS would say"}).encode()
