"""Target states: ALB's names, its thresholds, its deregistration delay, its fail-open."""

from typing import Any

import pytest

from infra.local.alb.records import Forward, HealthSettings, Listener, Records, Rule, TargetGroup
from infra.local.alb.targets import TargetBook

GROUP = "arn:tg"
ONE, TWO = ("10.0.0.1", 80), ("10.0.0.2", 80)
FAILED = ("Target.ResponseCodeMismatch", "Health checks failed with these codes: [500]")


def records(*targets: tuple[str, int], named: bool = True, **health: Any) -> Records:
    group = TargetGroup(GROUP, HealthSettings(interval=10, **health), 30.0, frozenset(targets))
    rule = Rule("arn:rule", (), Forward(((GROUP, 0),)))
    listener = Listener("arn:l", "lb", "lb.elb", 80, (rule,) if named else ())
    return Records((listener,), (group,))


class Book:
    """A book and the time that goes with it."""

    def __init__(self) -> None:
        self.book, self.now = TargetBook(), 100.0

    def follow(self, *targets: tuple[str, int], **options: Any) -> None:
        self.book.follow(records(*targets, **options), self.now)

    def result(self, target: tuple[str, int], *passes: bool) -> None:
        for passed in passes:
            self.book.result((GROUP, *target), None if passed else FAILED, self.now)

    def state(self, target: tuple[str, int]) -> tuple[str, str | None]:
        return self.book.state((GROUP, *target))[:2]

    def due(self) -> list[tuple[str, int]]:
        return [each.key[1:] for each in self.book.due(self.now)]


@pytest.fixture
def book() -> Book:
    return Book()


def test_a_new_target_is_initial(book: Book) -> None:
    book.follow(ONE)

    assert book.state(ONE) == ("initial", "Elb.RegistrationInProgress")


def test_35_a_new_target_is_healthy_after_one_pass_whatever_the_threshold(book: Book) -> None:
    book.follow(ONE, healthy_threshold=5)

    book.result(ONE, True)

    assert book.state(ONE) == ("healthy", None)


def test_an_unhealthy_target_needs_the_healthy_threshold(book: Book) -> None:
    book.follow(ONE, healthy_threshold=3)
    book.result(ONE, True, False, False)
    assert book.state(ONE)[0] == "unhealthy"

    book.result(ONE, True, True)
    assert book.state(ONE)[0] == "unhealthy"
    book.result(ONE, True)

    assert book.state(ONE)[0] == "healthy"


def test_a_healthy_target_is_unhealthy_after_the_unhealthy_threshold_in_a_row(book: Book) -> None:
    book.follow(ONE, unhealthy_threshold=2)
    book.result(ONE, True, False, True, False)
    assert book.state(ONE)[0] == "healthy"

    book.result(ONE, False)

    assert book.state(ONE) == ("unhealthy", "Target.ResponseCodeMismatch")


def test_a_new_target_that_keeps_failing_becomes_unhealthy(book: Book) -> None:
    book.follow(ONE)

    book.result(ONE, False, False)

    assert book.state(ONE)[0] == "unhealthy"


def test_40_a_target_of_a_group_in_no_rule_is_unused_and_never_checked(book: Book) -> None:
    book.follow(ONE, named=False)

    assert book.state(ONE) == ("unused", "Target.NotInUse")
    assert book.due() == []


def test_a_target_that_was_never_there_is_unused(book: Book) -> None:
    assert book.state(ONE) == ("unused", "Target.NotRegistered")


def test_a_deregistered_target_drains_for_the_whole_delay_and_is_then_unused(book: Book) -> None:
    book.follow(ONE)
    book.result(ONE, True)

    book.follow()
    assert book.state(ONE) == ("draining", "Target.DeregistrationInProgress")
    book.now += 29
    book.follow()
    assert book.state(ONE)[0] == "draining"
    book.now += 2
    book.follow()

    assert book.state(ONE) == ("unused", "Target.NotRegistered")


def test_a_draining_target_is_not_checked_and_gets_no_result(book: Book) -> None:
    book.follow(ONE)
    book.follow()

    book.result(ONE, True)

    assert book.due() == []
    assert book.state(ONE)[0] == "draining"


def test_a_target_that_comes_back_while_it_drains_begins_anew(book: Book) -> None:
    book.follow(ONE)
    book.result(ONE, True)
    book.follow()

    book.follow(ONE)

    assert book.state(ONE)[0] == "initial"
    assert book.due() == [ONE]


def test_a_target_goes_at_once_with_its_group(book: Book) -> None:
    book.follow(ONE)

    book.book.follow(Records(), book.now)

    assert list(book.book) == []


def test_a_check_is_due_once_an_interval(book: Book) -> None:
    book.follow(ONE)
    assert book.due() == [ONE]
    book.result(ONE, True)
    book.now += 9
    assert book.due() == []

    book.now += 1

    assert book.due() == [ONE]


def test_a_check_that_is_still_under_way_is_not_started_again(book: Book) -> None:
    book.follow(ONE)
    book.due()
    book.now += 60

    assert book.due() == []


def test_changed_settings_hold_from_the_next_check_on(book: Book) -> None:
    book.follow(ONE, unhealthy_threshold=2)
    book.follow(ONE, unhealthy_threshold=5)

    book.result(ONE, False, False)

    assert book.state(ONE)[0] == "initial"


def test_only_healthy_targets_get_requests(book: Book) -> None:
    book.follow(ONE, TWO)
    book.result(ONE, True)

    assert book.book.routable(GROUP) == {ONE}


def test_34_where_no_target_is_healthy_all_registered_ones_get_requests(book: Book) -> None:
    book.follow(ONE, TWO)
    book.result(ONE, False, False)

    assert book.book.routable(GROUP) == {ONE, TWO}


def test_a_draining_target_gets_no_request_even_if_no_other_is_healthy(book: Book) -> None:
    book.follow(ONE, TWO)
    book.result(ONE, True)

    book.follow(TWO)

    assert book.book.routable(GROUP) == {TWO}
