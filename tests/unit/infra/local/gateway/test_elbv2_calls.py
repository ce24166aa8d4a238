"""Pages of ELBv2's lists, and the answer to making what is there."""

from typing import Any

import pytest

from infra.local.alb.errors import Invalid
from infra.local.gateway.elbv2_calls import made_before, paged
from infra.local.gateway.http import Answer
from infra.local.gateway.query_protocol import success

LIST = "DescribeTargetGroups"


def answer(count: int) -> Answer:
    return success("elbv2", LIST, {"TargetGroups": [{"TargetGroupName": f"g{number}"} for number in range(count)]})


def names(shown: Answer) -> list[str]:
    return [each.partition(b"<")[0].decode() for each in shown.body.split(b"<TargetGroupName>")[1:]]


def test_pages_are_together_the_whole() -> None:
    whole, marker, found = answer(5), "0", list[list[str]]()
    for end in ("2", "4", ""):
        page = paged(LIST, {"PageSize": 2, "Marker": marker}, whole)
        found.append(names(page))
        assert (f"<NextMarker>{end}</NextMarker>".encode() in page.body) == bool(end)
        marker = end

    assert found == [["g0", "g1"], ["g2", "g3"], ["g4"]]


def test_what_is_no_list_or_an_error_or_asked_for_whole_stays_as_it_is() -> None:
    whole, error = answer(2), Answer("400 Bad Request", b"<x/>", "text/xml")

    assert paged(LIST, {}, whole) is whole
    assert paged("DescribeTags", {"PageSize": 1}, whole) is whole
    assert paged(LIST, {"PageSize": 1}, error) is error


@pytest.mark.parametrize("given", [{"PageSize": 0}, {"PageSize": 401}, {"Marker": "x"}])
def test_a_page_that_cannot_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        paged(LIST, given, answer(2))


def test_making_it_again_gives_what_there_is() -> None:
    asked: list[bytes] = []

    def describe(environ: dict[str, Any]) -> Answer:
        asked.append(environ["wsgi.input"].read())
        return answer(1)

    shown = made_before("CreateTargetGroup", "g0", {"REQUEST_METHOD": "POST"}, describe)

    assert b"Action=DescribeTargetGroups" in asked[0]
    assert b"Names.member.1=g0" in asked[0]
    assert b"<CreateTargetGroupResponse" in shown.body
    assert names(shown) == ["g0"]
