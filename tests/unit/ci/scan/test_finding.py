"""One list of all scanners' findings: each thing once, the gravest first."""

from ci.scan.finding import merged
from tests.unit.ci.scan.conftest import Make


def test_one_vulnerability_of_two_scanners_is_told_once_with_both(make: Make) -> None:
    """The graver of the two severities, the fix and the line that either knows."""
    fields = {"rule": "CVE-2023-30861", "kind": "vulnerability", "package": "Flask", "version": "2.2.0"}
    ours = make(**fields, scanner="trivy", severity="high", line=None, path="requirements.txt")
    other = make(**{**fields, "package": "flask"}, scanner="pip-audit", severity="medium", fixed="2.2.5", line=12)
    (found,) = merged([other, ours])
    assert (found.severity, found.fixed, found.line) == ("high", "2.2.5", 12)
    assert set(found.scanner.split(", ")) == {"trivy", "pip-audit"}


def test_a_secret_that_the_source_still_has_is_not_told_of_history_too(make: Make) -> None:
    """And one in many versions of a file is told once, at the first of them."""
    fields = {"rule": "github-pat", "kind": "secret", "severity": "critical", "context": "TOKEN = ***"}
    now = make(**fields, line=3)
    then = [make(**fields, line=line, place="history", commit=str(line) * 40) for line in (1, 2)]
    assert merged([*then, now]) == [now]
    assert merged(then) == then[:1]


def test_two_places_of_one_rule_are_two_findings_and_the_gravest_stands_first(make: Make) -> None:
    """By severity, then by path and line."""
    low, high, other = make(severity="low"), make(line=9, severity="high"), make(line=8)
    assert merged([low, other, high]) == [high, other, low]


def test_a_fingerprint_outlives_a_move_within_the_file(make: Make) -> None:
    """Of another file or rule it is another."""
    assert make(line=7).fingerprint == make(line=70).fingerprint
    assert make().fingerprint != make(path="shop.py").fingerprint
    assert make().fingerprint != make(rule="B102").fingerprint
