"""What a repository that has no settings yet is: its application, dependencies, tests; read, and never imported."""

from ci.detect.applications import Application, applications
from ci.detect.dependencies import RELOCK, Dependencies, dependencies, hashed, setup_cfg, unfound
from ci.detect.missing import missing
from ci.detect.repository import Fact, Repository, look, told
from ci.detect.table import table

__all__ = [
    "RELOCK",
    "Application",
    "Dependencies",
    "Fact",
    "Repository",
    "applications",
    "dependencies",
    "hashed",
    "look",
    "missing",
    "setup_cfg",
    "table",
    "told",
    "unfound",
]
