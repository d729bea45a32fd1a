"""The proof that the same code is the same asset: of this checkout, of two clean clones, and of the wheel.

The second clone has files that nobody else may read, as another machine's umask makes them. What is not committed is in
the checkout only. `make bundle-hash`.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from headway.deployment.synthesis import node
from tests.checkout import ROOT
from tests.proofs.sources import build_wheel, environment_with

HASHES = """
import sys, tempfile
from pathlib import Path
from aws_cdk import FileSystem
from headway_cdk import bundle
with tempfile.TemporaryDirectory() as scratch:
    built = bundle.build(Path(scratch) / "bundle")
    print(bundle.digest(built), FileSystem.fingerprint(str(built)))
"""


def hashes(python: Path, folder: Path) -> str:
    """Return the digest of the bundle that an interpreter builds, and the hash that CDK gives it as an asset."""
    environment = {**os.environ, "JSII_NODE": node()}
    done = subprocess.run(  # noqa: S603 - our own words
        [str(python), "-P", "-c", HASHES], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def clone(target: Path, mask: int) -> Path:
    """Clone what is committed here, with a umask."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(target)], umask=mask, check=True)  # noqa: S603, S607
    return target


def main() -> int:
    """Print what each builds; 1 where one differs."""
    with TemporaryDirectory(prefix="headway-hash-") as folder:
        scratch = Path(folder).resolve()
        one, other = clone(scratch / "one", 0o022), clone(scratch / "other", 0o077)
        (out := scratch / "out").mkdir()
        installed = {
            "one clone": f"--editable {one}",
            "another clone": f"--editable {other}",
            "its wheel": str(build_wheel(one, out)),
        }
        interpreters = {
            name: environment_with(what, scratch / f"environment-{count}") / "python"
            for count, (name, what) in enumerate(installed.items())
        }
        found = {}
        for name, python in {"this checkout": Path(sys.executable), **interpreters}.items():
            found[name] = hashes(python, scratch)
            print(f"{name:14} {found[name]}", flush=True)  # noqa: T201 - what the command is for
    return int(len(set(found.values())) > 1)


if __name__ == "__main__":
    sys.exit(main())
