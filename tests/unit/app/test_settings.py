"""The environment variables of the service."""

import pytest

from app.settings import EXIT_CODE, Settings, SettingsError, load_or_exit

DIGEST = "sha256:" + "a" * 64


def test_nothing_set_gives_the_defaults() -> None:
    """A service started by hand needs no variable; empty ones count as none."""
    empty = {"PORT": "", "APP_THREADS": "", "APP_VERSION": "", "APP_COMMIT": "", "APP_IMAGE_DIGEST": ""}
    assert Settings.from_environ({}) == Settings.from_environ(empty) == Settings()


def test_all_are_read() -> None:
    """Each variable ends in its field."""
    environ = {
        "PORT": "9000",
        "APP_THREADS": "4",
        "APP_VERSION": "1.2.3",
        "APP_COMMIT": "abc1234",
        "APP_IMAGE_DIGEST": DIGEST,
    }
    assert Settings.from_environ(environ) == Settings(9000, 4, "1.2.3", "abc1234", DIGEST)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PORT", "abc", "a whole number from 1 to 65535"),
        ("PORT", "0", "a whole number from 1 to 65535"),
        ("PORT", "65536", "a whole number from 1 to 65535"),
        ("PORT", "-1", "a whole number from 1 to 65535"),
        ("PORT", "8_080", "a whole number from 1 to 65535"),
        ("PORT", " 80", "a whole number from 1 to 65535"),
        ("PORT", "٨٠٨٠", "a whole number from 1 to 65535"),
        ("PORT", "9" * 5000, "a whole number from 1 to 65535"),
        ("APP_THREADS", "257", "a whole number from 1 to 256"),
        ("APP_VERSION", "1.0 beta", "one word of at most 128 printable ASCII characters"),
        ("APP_COMMIT", "x" * 129, "one word of at most 128 printable ASCII characters"),
        ("APP_COMMIT", "a\nb", "one word of at most 128 printable ASCII characters"),
        ("APP_IMAGE_DIGEST", "sha256:abc", "'sha256:' and 64 hexadecimal digits in lower case"),
    ],
)
def test_a_bad_value_is_told_by_name_value_and_what_is_allowed(name: str, value: str, allowed: str) -> None:
    """One sentence, on one line, whatever the value holds."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environ({name: value})
    assert str(caught.value) == f"{name} is {value!r}: it must be {allowed}."
    assert "\n" not in str(caught.value)


def test_a_bad_value_ends_the_process_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback, and the exit code after which gunicorn does not try again."""
    with pytest.raises(SystemExit) as caught:
        load_or_exit({"PORT": "abc"})
    assert caught.value.code == EXIT_CODE
    assert capsys.readouterr().err == "error: PORT is 'abc': it must be a whole number from 1 to 65535.\n"
