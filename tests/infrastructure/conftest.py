"""Two cloud assemblies, and a way to read a template by construct paths instead of by logical IDs.

The first assembly is the repository's own. The second has another vendor with everything switched the other way, and is
synthesized without a single exception to the security rules, so that it also tells what each exception is for.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml
from headway_cdk.configuration import load_vendors
from headway_cdk.outputs import STACKS
from headway_cdk.resources import CONFIGURATION
from headway_lane.contract.exchange import Callback
from headway_lane.contract.vendor import Vendor

from headway.deployment.synthesis import node
from tests.checkout import ROOT

WITHOUT_EXCEPTIONS = """
import json, pathlib, sys
import headway_cdk.nag
said = []
headway_cdk.nag.acknowledge = lambda construct, rule, reason: said.append((construct.node.path, rule, reason))
from headway_cdk import app
app.main()
pathlib.Path(sys.argv[1]).write_text(json.dumps(said))
"""

SLOW_PRESS: Mapping[str, Any] = {
    "vendor": "slow-press",
    "base_url": "https://api.slow-press.example",
    "limits": [
        {"quantity": "calls", "amount": 4, "per_s": 10, "scope": "submit"},
        {"quantity": "calls", "amount": 60, "per_s": 3600, "scope": "submit"},
        {"quantity": "jobs_in_flight", "amount": 7},
    ],
    "submit": {
        "method": "PUT",
        "path": "/jobs",
        "timeout_s": 20,
        "job_id": "job.id",
        "callback_url": "notify",
        "fields": {"paper": {"size": "A4"}},
        "ambiguity": "reject",
    },
    "callback": {
        "job_id": "id",
        "status": "status",
        "success": ["printed"],
        "failure": ["jammed"],
        "verification": "standard-webhooks",
    },
    "result": {"path": "/jobs/{job_id}", "timeout_s": 5},
    "waits": {"tolerated_s": 7200, "answer_s": 3600},
    "dispatch": {
        "drain": "schedule",
        "pacing": "delay",
        "interval_minutes": 5,
        "batch_size": 3,
        "batching_window_s": 20,
        "maximum_concurrency": 2,
        "urgent_concurrency": 2,
        "reserved_concurrency": 5,
        "provisioned_concurrency": 1,
        "direct": True,
    },
}
CALL_DESK: Mapping[str, Any] = {
    "vendor": "call-desk",
    "base_url": "https://api.call-desk.example",
    "limits": [{"quantity": "calls", "amount": 5, "per_s": 1, "scope": "submit"}],
    "credential": {"header": "Authorization", "format": "Basic {token_base64}"},
    "submit": {
        "method": "POST",
        "path": "/calls",
        "timeout_s": 5,
        "body": "form",
        "job_id": {"header": "Location"},
        "callback_key": "Token",
        "idempotency_field": "Reference",
        "ambiguity": "ask",
        "lookup": {"path": "/calls?Reference={idempotency_key}", "timeout_s": 8, "job_id": "calls.0.sid"},
    },
    "callback": {
        "body": "form",
        "job_id": "CallSid",
        "acknowledgement": {"status": 200, "body": "[accepted]"},
        "handshake": {"allowed_origin": "events.call-desk.example", "allowed_rate_per_min": 120},
        "verification": {"algorithm": "static", "header": "X-Token"},
    },
    "result": {"source": "callback"},
    "waits": {"tolerated_s": 60, "answer_s": 60},
}
"""Whatever the other two have not: forms, a key to send back, a lookup, a result that comes with the callback, no
`dispatch`.
"""
NIGHT_DESK: Mapping[str, Any] = {
    "vendor": "night-desk",
    "base_url": "https://api.night-desk.example",
    "limits": [{"quantity": "calls", "amount": 150, "per_s": 60, "scope": "any"}],
    "headers": {"X-Desk": "7"},
    "submit": {
        "method": "POST",
        "path": "/orders",
        "timeout_s": 5,
        "job_id": {"header": "Location"},
        "ambiguity": "reject",
    },
    "result": {"path": "/orders/{job_id}", "timeout_s": 5},
    "poll": {
        "method": "HEAD",
        "path": "/orders/{job_id}",
        "timeout_s": 5,
        "success": ["201"],
        "pending": ["200"],
        "after_s": 10,
        "every_s": 10,
    },
    "waits": {"tolerated_s": 60, "answer_s": 600},
}
"""A vendor that calls nobody back."""
CALLING = (
    "Lane-call-desk/Caller",
    "Lane-night-desk/Caller",
    "Lane-night-desk/Reconciler",
    "Lane-night-desk/Results",
    "Lane-replicate/Caller",
    "Lane-replicate/Reconciler",
    "Lane-replicate/Results",
    "Lane-slow-press/Results",
)
"""Whose functions call a vendor, in the configuration with all of them."""
TUNING = {"delay_ms": 250, "rate_per_s": 0.2}


class Templates:
    """Both templates of an assembly; a resource is named by its construct path, as in `Lane-replicate/Caller/Role`."""

    def __init__(self, directory: Path, configuration: Path) -> None:
        self.directory = directory
        self.configuration = configuration
        self.vendors: Sequence[Vendor] = [files.vendor for files in load_vendors(configuration)]
        self.stacks = {name: json.loads((directory / f"{name}.template.json").read_text()) for name in STACKS}
        self._names = dict(self._read_names())

    @property
    def called_back(self) -> Sequence[tuple[str, Callback]]:
        """The vendors that call back, by name."""
        return [(vendor.name, vendor.callback) for vendor in self.vendors if vendor.callback]

    @property
    def files(self) -> list[Path]:
        """Both template files."""
        return [self.directory / f"{name}.template.json" for name in STACKS]

    @cached_property
    def resources(self) -> dict[str, Any]:
        """All resources of both stacks, by name."""
        return {
            self._names[logical_id]: resource
            for stack in self.stacks.values()
            for logical_id, resource in stack["Resources"].items()
        }

    def of_type(self, resource_type: str) -> dict[str, Any]:
        """Return the properties of all resources of a type, by name."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    def properties(self, name: str) -> Any:
        """Return the properties of one resource."""
        return self.resources[name]["Properties"]

    def definition(self, name: str) -> Any:
        """Return a state machine's definition as Step Functions gets it."""
        machine = self.properties(name)
        text = self.say(machine["DefinitionString"])
        for key, value in machine.get("DefinitionSubstitutions", {}).items():
            text = text.replace(f"${{{key}}}", self.say(value))
        assert "${" not in text
        return json.loads(text)

    def say(self, value: Any) -> str:
        """Return a value of the template as text, as it is on AWS; references become `<name>`."""
        match value:
            case str() | int():
                return str(value)
            case {"Ref": str(logical_id)} | {"Fn::GetAtt": [str(logical_id), "Arn"]}:
                return f"<{self._names.get(logical_id, logical_id)}>"
            case {"Fn::GetAtt": [str(logical_id), str(attribute)]}:
                return f"<{self._names[logical_id]}.{attribute}>"
            case {"Fn::ImportValue": str(export)}:
                outputs = [output for stack in self.stacks.values() for output in stack.get("Outputs", {}).values()]
                [value] = [output["Value"] for output in outputs if output.get("Export", {}).get("Name") == export]
                return self.say(value)
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(self.say(part) for part in parts)
            case {"Fn::Select": [int(), {"Fn::Split": [str(), part]}]}:
                return self.say(part)
            case {"Fn::If": ["IsEmbeddedCloud", _, on_aws]}:
                return self.say(on_aws)
        raise AssertionError(f"no words for {value}")

    def _read_names(self) -> Iterator[tuple[str, str]]:
        for stack in STACKS:
            metadata = json.loads((self.directory / f"{stack}.metadata.json").read_text())
            for path, entries in metadata.items():
                name = re.sub(r"/Resource$", "", path.removeprefix(f"/{stack}/"))
                yield from ((entry["data"], name) for entry in entries if entry["type"] == "aws:cdk:logicalId")


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of cdk-nag, or an exception from one."""

    path: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Probe:
    """What a synthesis without exceptions tells."""

    templates: Templates
    findings: Sequence[Finding]
    exceptions: Sequence[Finding]


@pytest.fixture(scope="session")
def repository(assembly: Path) -> Templates:
    """Return the templates of the repository's own configuration."""
    return Templates(assembly, CONFIGURATION)


@pytest.fixture(scope="session")
def probe(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Probe:
    """Synthesize the repository's vendors and another one, without exceptions; after `assembly`: one bundle folder."""
    configuration = _another_configuration(tmp_path_factory.mktemp("configuration"))
    output = tmp_path_factory.mktemp("assembly")
    said = output / "exceptions.json"
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(output),
        "HEADWAY_CONFIGURATION": str(configuration),
        "JSII_NODE": node(),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
    }
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", WITHOUT_EXCEPTIONS, str(said)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((output / "validation-report.json").read_text())
    findings = [
        Finding(construct["constructPath"], violation["ruleName"], violation["description"])
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    ]
    exceptions = [Finding(*words) for words in json.loads(said.read_text())]
    return Probe(Templates(output, configuration), findings, exceptions)


@pytest.fixture(scope="session")
def another(probe: Probe) -> Templates:
    """Return the templates with `slow-press` and `call-desk` in them."""
    return probe.templates


@pytest.fixture(scope="session", params=["repository", "another"])
def templates(request: pytest.FixtureRequest) -> Templates:
    """Return the templates of both configurations, one after the other."""
    found: Templates = request.getfixturevalue(request.param)
    return found


def _another_configuration(directory: Path) -> Path:
    for path in CONFIGURATION.rglob("*.*"):
        target = directory / path.relative_to(CONFIGURATION)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    (directory / "vendors" / "slow-press.yaml").write_text(yaml.safe_dump(dict(SLOW_PRESS)))
    (directory / "tuning" / "slow-press.yaml").write_text(yaml.safe_dump(TUNING))
    (directory / "vendors" / "call-desk.yaml").write_text(yaml.safe_dump(dict(CALL_DESK)))
    (directory / "vendors" / "night-desk.yaml").write_text(yaml.safe_dump(dict(NIGHT_DESK)))
    return directory
