"""The file of accepted findings: what a row covers, and what is refused in which words."""

from datetime import date

import pytest

from ci.scan.accepted import Accepted, parse, unused
from ci.scan.errors import AcceptedFileError
from tests.unit.ci.scan.conftest import Make

ROW = '[[accepted]]\nrule = "B307"\nreason = "a calculator"\nexpires = 2027-06-30\n'


def test_a_row_covers_its_rule_in_its_path_and_package(make: Make) -> None:
    """A path is a pattern; without path and package the rule is accepted anywhere."""
    anywhere = parse(ROW)[0]
    assert anywhere == Accepted("B307", "a calculator", date(2027, 6, 30))
    assert anywhere.covers(make())
    assert not anywhere.covers(make(rule="B102"))
    there = parse(ROW + 'path = "app/*.py"\n')[0]
    assert there.covers(make())
    assert not there.covers(make(path="shop/views.py"))
    of_package = parse(ROW + 'package = "flask"\n')[0]
    assert of_package.covers(make(package="flask"))
    assert not of_package.covers(make(package="jinja2"))


def test_rows_that_accept_nothing_are_told(make: Make) -> None:
    """A finding that was cured leaves a row behind."""
    rows = parse(ROW + ROW.replace("B307", "B102"))
    assert unused(rows, [make()]) == [rows[1]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROW.replace('reason = "a calculator"\n', ""), "number 1 must have reason"),
        (ROW.replace('"a calculator"', '" "'), "number 1 must have reason"),
        (ROW.replace("expires = 2027-06-30\n", ""), "must have expires: a day such as"),
        (ROW.replace("2027-06-30", '"2027-06-30"'), "must have expires: a day such as"),
        (ROW.replace("2027-06-30", "2027-06-30T12:00:00"), "must have expires: a day such as"),
        (ROW + "until = 3\n", "has no key 'until'"),
        (ROW + 'path = ""\n', "path must be a text"),
        ("accepted = 3\n", "must hold nothing but [[accepted]]"),
        ("accepted = [3]\n", "must be a table"),
        ('[accept]\nrule = "B1"\n', "must hold nothing but [[accepted]]"),
        ("[[accepted", "is not TOML"),
    ],
)
def test_a_file_that_is_not_as_it_must_be_is_refused(text: str, said: str) -> None:
    """In one sentence with the file, the row and what it lacks."""
    with pytest.raises(AcceptedFileError) as caught:
        parse(text)
    assert said in str(caught.value)
    assert str(caught.value).startswith(".cutover-accepted.toml ")
    assert "\n" not in str(caught.value).strip()
