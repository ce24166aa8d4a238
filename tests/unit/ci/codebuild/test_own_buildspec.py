"""The buildspec of this repository."""

import re
from pathlib import Path

from ci.codebuild import parse

ROOT = Path(__file__).parents[4]
SPEC = parse((ROOT / "infra/buildspec.yml").read_text(encoding="utf-8"), "infra/buildspec.yml")
PHASES = {phase.name: phase for phase in SPEC.phases}


def test_it_calls_what_the_action_names_and_exports_the_report_in_any_case() -> None:
    assert any("call $CUTOVER_CALL" in command for command in PHASES["build"].commands)
    assert any("call $CUTOVER_REPORT export --path report" in command for command in PHASES["build"].finally_)


def test_everything_that_is_installed_is_locked_by_hash() -> None:
    """pip gets requirements with hashes, or wheels that are here already, and nothing else from the index."""
    text = "\n".join(PHASES["install"].commands)
    for line in re.findall(r"pip (?:install|wheel) .*", text):
        assert "--require-hashes" in line or "--no-index" in line
        assert "--no-deps" in line
    assert "sha256sum --check" in text


def test_the_lock_has_a_hash_for_each_package_and_is_the_commands_own() -> None:
    lock = (ROOT / "ci/requirements.txt").read_text(encoding="utf-8")
    packages = re.findall(r"^([a-z0-9.-]+)==.*\n    --hash=sha256:", lock, re.MULTILINE)
    assert len(packages) == len(re.findall(r"^[a-z]", lock, re.MULTILINE))
    assert {"click", "dagger-io", "docker", "hatchling"} <= set(packages)
    assert "cutover" not in packages


def test_junit_and_coverage_go_to_report_groups_and_the_whole_report_to_the_artifacts() -> None:
    assert {report.group: report.format for report in SPEC.reports} == {"tests": "JUNITXML", "coverage": "COBERTURAXML"}
    assert SPEC.artifacts is not None
    assert SPEC.artifacts.base == "report"


def test_version_digest_and_image_are_handed_on() -> None:
    assert SPEC.variables.exported == ("CUTOVER_VERSION", "CUTOVER_DIGEST", "CUTOVER_IMAGE", "CUTOVER_MAJOR")
