"""Platforms in their one form, as containerd reads and writes them."""

import pytest

from ci.engine.errors import InvalidPlatformError
from ci.engine.platforms import architecture, native, normal


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", native()),
        ("linux/amd64", "linux/amd64"),
        ("Linux/x86_64", "linux/amd64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("arm64", "linux/arm64"),
        ("aarch64", "linux/arm64"),
        ("windows", f"windows/{architecture()}"),
    ],
)
def test_a_platform_has_one_form(text: str, found: str) -> None:
    assert normal(text) == found


@pytest.mark.parametrize("text", ["invalid", "linux/amd64/v1/x", "linux/", "a b/c", "/"])
def test_what_is_no_platform_is_told_in_daggers_words(text: str) -> None:
    with pytest.raises(InvalidPlatformError, match=f'^"{text}": unknown operating system or architecture: '):
        normal(text)
