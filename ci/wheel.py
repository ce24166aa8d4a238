"""Hatch's hook for the wheel: the Dagger module's files go in as they are in a checkout, below `ci/module`.

An installed `cutover` calls that module for services that have none of their own. Its digest is a checkout's, so both
share results. An editable install has the checkout itself.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULE = "ci/module"
FILES = ("ci", "infra/templates", "dagger.json", "pyproject.toml", "README.md")  # dagger.json's `include`, and itself


class ModuleInWheel(BuildHookInterface[Any]):
    """Adds the module to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it builds; `version` is `standard` or `editable`."""
        if version == "standard":
            for name in FILES:
                build_data["force_include"][str(Path(self.root, name))] = f"{MODULE}/{name}"
