"""Artifacts and reports, by the patterns of the buildspec."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from ci.codebuild import Artifacts, Report
from ci.codebuild.collect import artifacts, matching, reports, trimmed
from ci.codebuild.reports import prepared

FILES = ("a.txt", "dist/b.txt", "dist/in/c.txt", "dist/in/d.log", "other/e.txt")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "src"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("patterns", "excluded", "found"),
    [
        (["**/*"], [], sorted(FILES)),
        (["*"], [], ["a.txt", *sorted(FILES)[1:]]),
        (["*.txt"], [], ["a.txt"]),
        (["**/*.txt"], ["dist/**/*"], ["a.txt", "other/e.txt"]),
        (["dist/in"], ["**/*.log"], ["dist/in/c.txt"]),
        (["no/**/*"], [], []),
    ],
)
def test_a_pattern_names_files_and_whole_folders(
    source: Path, patterns: list[str], excluded: list[str], found: list[str]
) -> None:
    assert [path.relative_to(source).as_posix() for path in matching(source, patterns, excluded)] == sorted(found)


def test_artifacts_keep_their_paths_below_the_base_directory_or_none(source: Path, tmp_path: Path) -> None:
    spec = Artifacts(
        ("**/*",), base="dist", secondary={"flat": Artifacts(("**/*.txt",), base="d*", discard_paths=True)}
    )
    found = artifacts(source, spec, tmp_path / "out")
    names = {name: [str(path.relative_to(tmp_path / "out" / name)) for path in paths] for name, paths in found.items()}
    assert names == {"artifacts": ["b.txt", "in/c.txt", "in/d.log"], "flat": ["b.txt", "c.txt"]}
    assert (tmp_path / "out/artifacts/in/c.txt").read_text(encoding="utf-8") == "dist/in/c.txt"


def test_a_build_without_files_for_them_has_empty_artifacts_and_reports(source: Path, tmp_path: Path) -> None:
    assert artifacts(source, Artifacts(("no.txt",)), tmp_path) == {"artifacts": []}
    assert artifacts(source, None, tmp_path) == {}
    assert reports(source, (Report("tests", ("*.xml",), "no"),), tmp_path) == {"tests": []}


def junit(failing: int, passing: int) -> str:
    cases = ["<testcase name='p'/>"] * passing + ["<testcase name='f'><failure/></testcase>"] * failing
    return f"<testsuites><testsuite name='s' tests='{len(cases)}'>{''.join(cases)}</testsuite></testsuites>"


def test_a_report_of_more_cases_than_codebuild_takes_keeps_the_failed_ones_first() -> None:
    suite = ElementTree.fromstring(trimmed(junit(failing=3, passing=600))).find("testsuite")
    assert suite is not None
    names = [case.get("name") for case in suite.findall("testcase")]
    assert names == ["f"] * 3 + ["p"] * 497
    assert suite.get("tests") == "500"
    assert trimmed(junit(1, 2)) == junit(1, 2)


def test_the_junit_files_of_a_folder_are_made_ready_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "unit").mkdir()
    (tmp_path / "unit/junit.xml").write_text(junit(1, 700), encoding="utf-8")
    (tmp_path / "coverage.xml").write_text("<coverage/>", encoding="utf-8")
    (tmp_path / "broken.xml").write_text("<testsuite>", encoding="utf-8")
    assert prepared(tmp_path) == [tmp_path / "codebuild/unit-junit.xml"]
    assert prepared(tmp_path) == [tmp_path / "codebuild/unit-junit.xml"]
