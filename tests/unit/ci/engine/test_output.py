"""What a command prints: whole where it is of a size, bounded where it is not, and never a secret."""

from collections.abc import Iterator

import pytest

from ci.engine import output
from ci.engine.errors import OutputTooLargeError
from ci.engine.output import CLIPPED, ERROR_BYTES, KEPT_BYTES, SHOWN_BYTES, Output
from ci.engine.secrets import Secrets
from ci.engine.store import Store


@pytest.fixture
def lines() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def secrets() -> Secrets:
    return Secrets(b"salt")


@pytest.fixture
def printed(store: Store, secrets: Secrets, lines: list[tuple[str, str]]) -> Iterator[Output]:
    with output.collected(store, secrets, lambda text, stream: lines.append((stream, text))) as collected:
        yield collected


def test_both_streams_are_kept_whole_and_as_they_came(printed: Output, store: Store, lines: object) -> None:
    printed.take("stdout", b"one\ntw")
    printed.take("stderr", b"oops\r\n")
    printed.take("stdout", b"o")
    printed.finish()
    texts = {name: output.text(store, record) for name, record in printed.records().items()}
    assert texts == {"stdout": "one\ntwo", "stderr": "oops\r\n", "combined": "one\ntwoops\r\no"}
    assert lines == [("stdout", "one"), ("stderr", "oops"), ("stdout", "two")]


def test_a_secret_split_across_writes_is_nowhere(
    printed: Output, store: Store, secrets: Secrets, lines: list[tuple[str, str]]
) -> None:
    secrets.set("token", "hush-hush")
    for piece in (b"a hush", b"-", b"hush b\n"):
        printed.take("stdout", piece)
    printed.finish()
    assert lines == [("stdout", "a *** b")]
    assert {output.text(store, row) for row in printed.records().values()} == {"a *** b\n", ""}


def test_a_large_stream_lies_in_the_store(printed: Output, store: Store) -> None:
    wanted = "".join(f"{number}\n" for number in range(100_000))
    printed.take("stdout", wanted.encode())
    printed.finish()
    record = printed.records()["stdout"]
    assert "text" not in record
    assert output.available(store, record)
    assert output.text(store, record) == wanted
    store.blob_path(record["blob"]).unlink()
    assert not output.available(store, record)


def test_an_error_carries_the_end_of_a_long_stream_and_how_much_is_left_out(printed: Output, store: Store) -> None:
    printed.take("stderr", b"x" * ERROR_BYTES + b"the end")
    printed.take("stdout", b"y" * (ERROR_BYTES - 1))
    printed.finish()
    records = printed.records()
    told = output.error_text(store, records["stderr"])
    assert told.startswith("[omitting 7 bytes]...xxx")
    assert told.endswith("xxxthe end")
    assert len(told) == ERROR_BYTES
    assert output.error_text(store, records["stdout"]) == "y" * (ERROR_BYTES - 1)


def test_more_than_is_kept_bounds_memory_and_disk_and_is_told_only_to_who_asks(printed: Output, store: Store) -> None:
    block = bytes(1 << 20)
    for _ in range((KEPT_BYTES >> 20) + 2):
        printed.take("stdout", block)
    printed.take("stdout", b"the end\n")
    printed.finish()
    record = printed.records()["stdout"]
    size = KEPT_BYTES + (2 << 20) + 8
    with pytest.raises(OutputTooLargeError, match=rf"^file size {size} exceeds limit {KEPT_BYTES}"):
        output.text(store, record)
    assert output.error_text(store, record).endswith("the end\n")
    assert sum(path.stat().st_size for path in (store.root / "blobs").rglob("*") if path.is_file()) <= KEPT_BYTES


def test_only_the_first_and_the_last_lines_of_a_flood_are_shown(printed: Output, lines: list[tuple[str, str]]) -> None:
    for number in range(SHOWN_BYTES // 500):
        printed.take("stdout", f"{number:0999}\n".encode())
    printed.finish()
    shown = [text for _, text in lines]
    assert (shown[0], shown[-1]) == (f"{0:0999}", f"{SHOWN_BYTES // 500 - 1:0999}")
    assert shown.count(CLIPPED) == 1
    assert sum(map(len, shown)) < SHOWN_BYTES + 2 * output.LINE_BYTES


def test_a_line_without_end_is_shown_in_pieces(printed: Output, lines: list[tuple[str, str]]) -> None:
    for _ in range(100):
        printed.take("stdout", b"x" * 1000)
    printed.finish()
    assert max(len(text) for _, text in lines) <= output.LINE_BYTES + 1000
    assert sum(len(text) for _, text in lines) == 100_000
