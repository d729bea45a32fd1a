"""What an integration's request parameters make of a request's headers."""

from typing import Any

import pytest

from headway.cloud.patches.header_mapping import mapped

REQUEST: dict[str, Any] = {
    "headers": {"x-own": "secret", "x-empty": ""},
    "query_params": {"page": ["7"]},
    "path_params": {"proxy": "v1/jobs"},
    "stage": {"variables": {"colour": "blue"}},
    "request_id": "request-1",
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("method.request.header.X-Own", "secret"),
        ("method.request.header.X-Empty", ""),
        ("method.request.querystring.page", "7"),
        ("method.request.path.proxy", "v1/jobs"),
        ("stageVariables.colour", "blue"),
        ("context.requestId", "request-1"),
        ("'none'", "none"),
        ("''", ""),
    ],
)
def test_a_header_is_what_its_source_says(source: str, value: str) -> None:
    assert mapped({"integration.request.header.Authorization": source}, REQUEST) == {"Authorization": value}


@pytest.mark.parametrize("source", ["method.request.header.X-Other", "method.request.querystring.other", "nonsense"])
def test_a_source_that_is_absent_makes_no_header(source: str) -> None:
    assert mapped({"integration.request.header.Authorization": source}, REQUEST) == {}


def test_what_is_no_header_is_left_to_others() -> None:
    assert mapped({"integration.request.path.proxy": "method.request.path.proxy"}, REQUEST) == {}
