"""The smallest `[tool.cutover]` for a repository: what is the default is left out."""

import json
import re

from ci.detect.repository import IMAGE_PYTHON, PORT, Repository

DEFAULT_HEALTH = "/health"
DEFAULT_LOCK = "requirements.txt"
DEFAULT_TESTS = ("tests",)
ENVIRONMENT = "demo"


def table(found: Repository, name: str | None) -> str:
    """The table's text; `name` is left out where [project] gives it.

    No floor for the coverage is set, and where nothing answers `/` the health path is the smoke test.
    """
    path = found.health or "/"
    lines = ["[tool.cutover]", *([f"name = {_quoted(_name(name))}"] if name else [])]
    lines.append(f"wsgi = {_quoted(found.application.wsgi)}")
    if found.application.folder:
        lines.append(f"python-path = {_quoted(found.application.folder)}")
    if found.port != PORT:
        lines.append(f"port = {found.port}")
    if path != DEFAULT_HEALTH:
        lines.append(f"health = {_quoted(path)}")
    if found.lock != DEFAULT_LOCK:
        lines.append(f"lock = {_quoted(found.lock)}")
    if found.requirements:
        lines.append(f"requirements = [{_quoted(found.requirements)}]")
    if found.test_lock not in (None, found.lock):
        lines.append(f"test-lock = {_quoted(str(found.test_lock))}")
    if found.python != IMAGE_PYTHON:
        lines.append(f"python = {_quoted(found.python)}")
    if found.tests != DEFAULT_TESTS:
        lines.append(f"tests = [{', '.join(map(_quoted, found.tests))}]")
    if found.test_command:
        lines.append(f"test-command = {_quoted(found.test_command)}")
    if found.before:
        lines.append(f"before = [{', '.join(map(_quoted, found.before))}]")
    if found.tests:
        lines.append("coverage = 0")
    if found.health and not found.home:
        lines.append(f"smoke = [{{ path = {_quoted(path)} }}]")
    return "\n".join([*lines, "", f"[tool.cutover.environments.{ENVIRONMENT}]", ""])


def _name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "service"


def _quoted(value: str) -> str:
    """A TOML basic string: JSON's, whose escapes are a part of TOML's (https://toml.io/en/v1.0.0#string)."""
    return json.dumps(value)
