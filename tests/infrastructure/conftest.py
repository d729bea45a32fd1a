"""One configuration of four vendors, synthesized twice, and a way to read templates by construct paths instead of by
logical IDs.

The first synthesis is what a deployment gets. The second runs without a single exception to the security rules, so that
it tells what each exception is for, and with another hash seed; both run at once, since neither needs the other. Stage
and one vendor have the longest names that there can be.
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
from typing import Any, Final

import pytest
import yaml
from headway_cdk.configuration import load_vendors
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from headway_lane.contract.exchange import Callback
from headway_lane.contract.vendor import Vendor

from headway.deployment.synthesis import node
from tests.checkout import ROOT

WITHOUT_EXCEPTIONS = """
import contextlib, json, pathlib, sys
import headway_cdk.nag
said = []
headway_cdk.nag.acknowledge = lambda construct, rule, reason: said.append((construct.node.path, rule, reason))
from headway_cdk import app
with contextlib.suppress(SystemExit):  # the rules refuse it
    app.ProjectApp().synth()
pathlib.Path(sys.argv[1]).write_text(json.dumps(said))
"""

STAGE: Final = "integration1"
"""Twelve characters, the most of a stage."""
PRESS: Final = "slow-press-of-the-quiet-harbour"
"""Thirty-one characters, the most of a vendor; everything is switched the other way than by default."""
SLOW_PRESS: Mapping[str, Any] = {
    "vendor": PRESS,
    "base_url": "https://api.slow-press.example",
    "limits": [
        {"quantity": "calls", "amount": 4, "per_s": 10, "scope": "submit"},
        {"quantity": "calls", "amount": 60, "per_s": 3600, "scope": "submit"},
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
        "trigger": "schedule",
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
    "limits": [
        {"quantity": "calls", "amount": 5, "per_s": 1, "scope": "submit"},
        {"quantity": "jobs_in_flight", "amount": 7},
    ],
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
    "dispatch": {"batch_size": 25},
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
    "call-desk/Caller",
    "night-desk/Caller",
    "night-desk/Results",
    "replicate/Caller",
    "replicate/Results",
    f"{PRESS}/Results",
)
"""Whose functions call a vendor."""
TUNING = {"delay_ms": 250, "rate_per_s": 0.2}
LOOKED_UP: Final = "AWS::SSM::Parameter::Value<String>"
"""The type of a stack's parameter whose value CloudFormation reads from an SSM parameter."""
BOOTSTRAP: Final = "BootstrapVersion"
"""The one that is CDK's own, and says so by this name."""


class Templates:
    """All templates of an assembly. A resource is named by its owner, a vendor or `base`, and its construct path, as in
    `replicate/Caller/Role`; so are the references to it, through the SSM parameter that one stack writes and another
    one looks up.
    """

    def __init__(self, directory: Path, configuration: Path) -> None:
        self.directory = directory
        self.configuration = configuration
        self.vendors: Sequence[Vendor] = [files.vendor for files in load_vendors(configuration)]
        self.files = sorted(directory.glob("*.template.json"))
        self.stacks: dict[str, Any] = {
            path.name.removesuffix(".template.json"): json.loads(path.read_text()) for path in self.files
        }
        self.resources: dict[str, Any] = {}
        """All resources by name, with names for logical IDs."""
        self._looked_up: dict[str, str] = {}
        for stack, template in self.stacks.items():
            self._read(stack, template)

    def vendor(self, name: str) -> Vendor:
        """Return one vendor of the configuration."""
        (vendor,) = (vendor for vendor in self.vendors if vendor.name == name)
        return vendor

    @property
    def called_back(self) -> Sequence[tuple[str, Callback]]:
        """The vendors that call back, by name."""
        return [(vendor.name, vendor.callback) for vendor in self.vendors if vendor.callback]

    def stack(self, owner: str, part: str = "") -> Any:
        """Return the template of `base`, or of a vendor's `state` or `lane`."""
        return self.stacks["-".join(word for word in ("Headway", STAGE, owner, part) if word)]

    def of_type(self, resource_type: str, owner: str = "") -> dict[str, Any]:
        """Return the properties of all resources of a type, or those of one owner, by name."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type and name.startswith(f"{owner}/" if owner else "")
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

    @cached_property
    def published(self) -> Mapping[str, tuple[str, Any]]:
        """Every SSM parameter that a stack writes: its path -> the resource's name, and the value."""
        found = {found["Name"]: (name, found["Value"]) for name, found in self.of_type("AWS::SSM::Parameter").items()}
        assert len(found) == len(self.of_type("AWS::SSM::Parameter")), "two resources write one parameter"
        return found

    def lookups(self, stack: str) -> dict[str, str]:
        """Return the SSM parameters that a stack looks up, by the names of its own parameters."""
        return {
            name: parameter["Default"]
            for name, parameter in self.stacks[stack].get("Parameters", {}).items()
            if parameter["Type"] == LOOKED_UP and name != BOOTSTRAP
        }

    def say(self, value: Any) -> str:
        """Return a value of the template as text, as it is on AWS; references become `<name>`, and so does the name of
        a queue that is taken from its URL, or that of a function from its ARN.
        """
        match value:
            case str() | int():
                return str(value)
            case {"Ref": str(name)} if name in self._looked_up:
                return self.say(self.published[self._looked_up[name]][1])
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), "Arn"]}:
                return f"<{name}>"
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return f"<{name}.{attribute}>"
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(self.say(part) for part in parts)
            case {"Fn::Select": [4, {"Fn::Split": ["/", url]}]} if self._is_queue(self.say(url)):
                return self.say(url)
            case {"Fn::Select": [6, {"Fn::Split": [":", arn]}]}:
                return self.say(arn)
            case {"Fn::If": ["IsEmbeddedCloud", _, on_aws]}:
                return self.say(on_aws)
        raise AssertionError(f"no words for {value}")

    def _is_queue(self, reference: str) -> bool:
        return bool(self.resources[reference.strip("<>")]["Type"] == "AWS::SQS::Queue")

    def _read(self, stack: str, template: Mapping[str, Any]) -> None:
        names = dict(self._names(stack))
        for logical_id, resource in template["Resources"].items():
            assert names[logical_id] not in self.resources, names[logical_id]
            after = [names[other] for other in resource.get("DependsOn", [])]
            self.resources[names[logical_id]] = {**_renamed(resource, names), "DependsOn": after}
        self._looked_up |= {names[parameter]: path for parameter, path in self.lookups(stack).items()}

    def _names(self, stack: str) -> Iterator[tuple[str, str]]:
        """Yield logical ID and name of what is in a stack."""
        owner = re.sub("-(state|lane)$", "", stack.removeprefix(f"Headway-{STAGE}-"))
        metadata = json.loads((self.directory / f"{stack}.metadata.json").read_text())
        for path, entries in metadata.items():
            name = re.sub("^(Base|State|Lane)/|/Resource$", "", path.removeprefix(f"/{stack}/"))
            yield from ((entry["data"], f"{owner}/{name}") for entry in entries if entry["type"] == "aws:cdk:logicalId")


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    """Return a part of a template with names for the logical IDs that it refers to."""
    match node:
        case {"Ref": str(logical_id)}:
            return {"Ref": names.get(logical_id, logical_id)}
        case {"Fn::GetAtt": [str(logical_id), attribute]}:
            return {"Fn::GetAtt": [names[logical_id], attribute]}
        case dict():
            return {key: _renamed(value, names) for key, value in node.items()}
        case list():
            return [_renamed(value, names) for value in node]
    return node


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of cdk-nag, or an exception from one."""

    path: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Probe:
    """What a synthesis without exceptions tells."""

    directory: Path
    findings: Sequence[Finding]
    exceptions: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Syntheses:
    """What both syntheses left behind."""

    templates: Templates
    probe: Probe


@pytest.fixture(scope="session")
def syntheses(tmp_path_factory: pytest.TempPathFactory) -> Syntheses:
    """Synthesize the configuration as it is deployed, and without exceptions."""
    configuration = _configuration(tmp_path_factory.mktemp("configuration"))
    deployed, bare = tmp_path_factory.mktemp("deployed"), tmp_path_factory.mktemp("bare")
    said = bare / "exceptions.json"
    running = [
        _synthesis(configuration, deployed, "1", "-m", "headway_cdk.app"),
        _synthesis(configuration, bare, "2", "-c", WITHOUT_EXCEPTIONS, str(said)),
    ]
    complaints = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], complaints
    exceptions = [Finding(*words) for words in json.loads(said.read_text())]
    return Syntheses(Templates(deployed, configuration), Probe(bare, list(findings_of(bare)), exceptions))


@pytest.fixture(scope="session")
def templates(syntheses: Syntheses) -> Templates:
    """Return the templates."""
    return syntheses.templates


@pytest.fixture(scope="session")
def probe(syntheses: Syntheses) -> Probe:
    """Return what the synthesis without exceptions tells."""
    return syntheses.probe


def findings_of(assembly: Path) -> Iterator[Finding]:
    """Yield what cdk-nag said of an assembly."""
    report = json.loads((assembly / "validation-report.json").read_text())
    for plugin in report["pluginReports"]:
        for violation in plugin["violations"]:
            for construct in violation["violatingConstructs"]:
                yield Finding(construct["constructPath"], violation["ruleName"], violation["description"])


def _synthesis(configuration: Path, output: Path, hash_seed: str, *command: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(output),
        "HEADWAY_CONFIGURATION": str(configuration),
        "HEADWAY_STAGE": STAGE,
        "JSII_NODE": node(),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
        "PYTHONHASHSEED": hash_seed,
    }
    return subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _configuration(directory: Path) -> Path:
    """Write the repository's own configuration with three vendors more."""
    for path in EXAMPLE_CONFIGURATION.rglob("*.*"):
        target = directory / path.relative_to(EXAMPLE_CONFIGURATION)
        target.parent.mkdir(exist_ok=True, parents=True)
        target.write_bytes(path.read_bytes())
    for contract in (SLOW_PRESS, CALL_DESK, NIGHT_DESK):
        (directory / "vendors" / f"{contract['vendor']}.yaml").write_text(yaml.safe_dump(dict(contract)))
    (directory / "tuning" / f"{PRESS}.yaml").write_text(yaml.safe_dump(TUNING))
    return directory
