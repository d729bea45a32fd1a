"""All rules: one module each in `rules/`, found there by its name `RULE`."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import lru_cache

from headway.validation import rules
from headway.validation.rule import LintRule


@lru_cache(1)
def catalogue() -> Mapping[str, LintRule]:
    """Return the rules by ID, sorted."""
    modules = [importlib.import_module(f"{rules.__name__}.{one.name}") for one in pkgutil.iter_modules(rules.__path__)]
    found = [module.RULE for module in modules if hasattr(module, "RULE")]
    return {rule.id: rule for rule in sorted(found, key=lambda rule: str(rule.id))}
