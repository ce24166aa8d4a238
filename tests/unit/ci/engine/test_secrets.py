"""Secrets: where they are read from, and that they are not shown."""

import base64
import urllib.parse
from pathlib import Path

import pytest

from ci.engine.errors import SecretError
from ci.engine.secrets import Secrets


@pytest.fixture
def secrets() -> Secrets:
    return Secrets(b"salt")


def test_a_value_that_is_set_can_be_read_again(secrets: Secrets) -> None:
    node = secrets.set("token", "hush hush")
    assert secrets.plaintext(node) == "hush hush"
    assert "hush" not in str(node)


@pytest.mark.parametrize("uri", ["env:CUTOVER_TOKEN", "env://CUTOVER_TOKEN"])
def test_a_variable_is_read(secrets: Secrets, monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("CUTOVER_TOKEN", "from env")
    assert secrets.plaintext(secrets.from_uri(uri)) == "from env"


@pytest.mark.parametrize("scheme", ["file:", "file://"])
def test_a_file_is_read(secrets: Secrets, tmp_path: Path, scheme: str) -> None:
    (tmp_path / "token").write_text("from file\n", encoding="utf-8")
    assert secrets.plaintext(secrets.from_uri(f"{scheme}{tmp_path}/token")) == "from file\n"


@pytest.mark.parametrize("uri", ["cmd:printf 'from cmd'", "cmd://printf 'from cmd'"])
def test_a_commands_output_is_read(secrets: Secrets, uri: str) -> None:
    assert secrets.plaintext(secrets.from_uri(uri)) == "from cmd"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("TOKEN", "'TOKEN' names no secret: use env:NAME, file:PATH or cmd:COMMAND"),
        ("vault:x", "'vault:x' names no secret"),
        ("env:NOSUCHVARIABLE", 'secret env var not found: "NOS..."'),
        ("file:/nothing/there", "secret file /nothing/there cannot be read: No such file or directory"),
        ("cmd:echo why >&2; exit 3", "the secret's command ended with exit code 3: why"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(secrets: Secrets, uri: str, message: str) -> None:
    with pytest.raises(SecretError) as caught:
        secrets.from_uri(uri)
    assert str(caught.value).startswith(message)


def test_a_file_that_is_no_text_is_one_clear_error(secrets: Secrets, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(SecretError, match="is no UTF-8 text"):
        secrets.from_uri(f"file:{tmp_path}/key")


def test_a_secret_of_another_session_is_refused(secrets: Secrets) -> None:
    with pytest.raises(SecretError, match="secret 'token' was set in another session"):
        Secrets(b"salt").plaintext(secrets.set("token", "hush"))


def test_a_reference_is_read_again_in_another_session(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTOVER_TOKEN", "from env")
    assert Secrets(b"salt").plaintext(secrets.from_uri("env:CUTOVER_TOKEN")) == "from env"


@pytest.mark.parametrize("value", ["p@ss/word", "line one\nline two", "padded\n", "ünï"])
def test_no_form_of_a_secret_gets_through(secrets: Secrets, value: str) -> None:
    secrets.set("token", value)
    encoded = base64.b64encode(value.encode()).decode()
    for form in (value, value.strip(), encoded, urllib.parse.quote(value, safe=""), *value.splitlines()):
        assert secrets.scrub(f"a {form} b") == "a *** b", form


def test_a_secret_in_another_is_scrubbed_whole(secrets: Secrets) -> None:
    secrets.set("short", "abc")
    secrets.set("long", "abcdef")
    assert secrets.scrub("abcdef abc") == "*** ***"


def test_ordinary_text_stays(secrets: Secrets) -> None:
    secrets.set("empty", "")
    secrets.set("short", "ab")
    assert secrets.scrub("about tabs") == "about tabs"


def test_a_fingerprint_tells_values_apart_and_nothing_more(secrets: Secrets) -> None:
    one, same, other = secrets.set("a", "hush"), secrets.set("b", "hush"), secrets.set("a", "other")
    assert secrets.fingerprint(one) == secrets.fingerprint(same) != secrets.fingerprint(other)
    assert secrets.fingerprint(one) != Secrets(b"another store").set("a", "hush").args["fingerprint"]
    assert "hush" not in secrets.fingerprint(one)
