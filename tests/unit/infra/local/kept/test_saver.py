"""When the records are saved."""

from infra.local.kept.saver import POLL_SECONDS, Saver, Writes


class Clock:
    """Each save takes 3 s."""

    def __init__(self) -> None:
        self.time, self.saves = 0.0, 0

    def save(self) -> None:
        self.time += 3
        self.saves += 1


def test_it_saves_what_is_new_once_and_rests_as_long_as_that_took() -> None:
    writes, clock = Writes(), Clock()
    saver = Saver(lambda: writes.total, clock.save, lambda: clock.time)

    assert saver.turn() == 3
    assert saver.turn() == POLL_SECONDS
    writes.note()
    assert saver.turn() == 3
    assert clock.saves == 2


def test_it_saves_a_last_time_at_the_end() -> None:
    clock = Clock()
    saver = Saver(lambda: None, clock.save, lambda: clock.time)
    saver.start()

    saver.stop()

    assert clock.saves == 1
