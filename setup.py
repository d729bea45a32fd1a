"""The packages of the wheel: the folders of `package-dir` in pyproject.toml with the Python packages inside them.

setuptools looks for packages by their folders' names; those of our data are called otherwise.
"""

import tomllib
from pathlib import Path

from setuptools import find_packages, setup

folders = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
setup(packages=[*folders, *(f"{name}.{inner}" for name, folder in folders.items() for inner in find_packages(folder))])
