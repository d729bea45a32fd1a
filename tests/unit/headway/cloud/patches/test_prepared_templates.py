"""When the process starts that workers of plain code are forked from."""

import io
import zipfile
from typing import Any, cast
from uuid import uuid4

import pytest
from ministack.services import lambda_svc

from headway.cloud.patches.forked_workers import Templates, preparing

PLAIN, BUNDLE, OWN_SDK = ("handler.py", "data/x.json"), ("lane/a.py", "httpx-1.dist-info/METADATA"), ("boto3/a.py",)


class Started(list[str]):
    """Templates that note what is started."""

    ready = list.append


def zipped(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return held.getvalue()


@pytest.mark.parametrize(
    ("code", "runtime", "started"),
    [
        (zipped(*PLAIN), "python3.12", [""]),
        (zipped(*BUNDLE), "python3.12", []),
        (zipped(*OWN_SDK), "python3.12", []),
        (zipped(*PLAIN), "nodejs22.x", []),
        (b"no zip", "python3.12", []),
        (None, None, []),
    ],
)
def test_what_brings_no_libraries_finds_its_template_started(
    code: bytes | None, runtime: str | None, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    templates, name = Started(), uuid4().hex

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
        monkeypatch.setitem(lambda_svc._functions, name, {"code_zip": code, "config": {"Runtime": runtime}})
        return name, {"Arn": stack}

    created = preparing(create, cast("Templates", templates))("Logical", {}, "a-stack")
    assert created == (name, {"Arn": "a-stack"})
    assert templates == started


def test_a_function_that_is_refused_starts_nothing() -> None:
    templates = Started()

    def refused(*_: Any) -> Any:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - as the emulator has it
        preparing(refused, cast("Templates", templates))("Logical", {}, "a-stack")
    assert templates == []
