"""The folder of `--state`: what it may be, and what is said of one that it may not."""

from pathlib import Path

import pytest

from infra.local.kept.errors import NoState, OtherVersion, StateInUse, StateUnusable
from infra.local.kept.folder import StateFolder


def test_a_new_folder_is_made_and_opened_again(tmp_path: Path) -> None:
    made = StateFolder.open(tmp_path / "some" / "state")
    assert not made.used

    made.write(b"records")

    again = StateFolder.open(tmp_path / "some" / "state")
    assert again.used
    assert again.records.read_bytes() == b"records"


@pytest.mark.parametrize("text", [None, "nothing", "[]", "{}", '{"cutover-local": 1}'])
def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    if text is not None:
        (tmp_path / "state.json").write_text(text)
    before = sorted(tmp_path.iterdir())

    with pytest.raises(NoState, match="name an empty or a new folder with --state"):
        StateFolder.open(tmp_path)

    assert sorted(tmp_path.iterdir()) == before


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(NoState):
            StateFolder.open(path)


def test_another_version_says_which(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"cutover-local": "format 0 of moto 1.0"}')

    with pytest.raises(OtherVersion, match=r"was written by format 0 of moto 1\.0, this is format"):
        StateFolder.open(tmp_path)


def test_where_nobody_can_write_it_says_why() -> None:
    with pytest.raises(StateUnusable, match="/proc/state cannot be used for --state"):
        StateFolder.open(Path("/proc/state"))


def test_only_one_instance_has_it_at_a_time(tmp_path: Path) -> None:
    first, second = StateFolder.open(tmp_path), StateFolder.open(tmp_path)
    first.claim()
    with pytest.raises(StateInUse, match="another instance uses the state"):
        second.claim()

    first.release()

    second.claim()
    second.release()
