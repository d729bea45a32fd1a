"""Requests and errors of AWS's JSON protocols, checked against botocore's models."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def document_of(request: AWSPreparedRequest) -> Mapping[str, Any]:
    """Return the JSON body of a request."""
    body: Any = request.body
    document: Mapping[str, Any] = json.loads(body or b"{}")
    return document


def checked(service: str, operation: str, request: AWSPreparedRequest) -> Mapping[str, Any]:
    """Return what a request asks for; AssertionError where the service's model has no such request."""
    asked = document_of(request)
    shape = _model(service).operation_model(operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(asked, shape)
    assert not report.has_errors(), report.generate_report()
    return asked


def refused(code: str) -> tuple[int, Mapping[str, str], bytes]:
    """Return an error of a JSON protocol."""
    return 400, {}, json.dumps({"__type": code, "message": "as AWS would say"}).encode()
