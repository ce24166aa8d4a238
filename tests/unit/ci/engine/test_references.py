"""References of images are read as Docker reads them."""

import pytest

from ci.engine.errors import InvalidReferenceError
from ci.engine.references import parse

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("alpine", "docker.io/library/alpine:latest"),
        ("alpine:3.20", "docker.io/library/alpine:3.20"),
        ("bitnami/redis", "docker.io/bitnami/redis:latest"),
        ("docker.io/alpine", "docker.io/library/alpine:latest"),
        ("index.docker.io/bitnami/redis:7", "docker.io/bitnami/redis:7"),
        ("ghcr.io/owner/image:v1", "ghcr.io/owner/image:v1"),
        ("localhost/image", "localhost/image:latest"),
        ("localhost:5000/a/b/c:x", "localhost:5000/a/b/c:x"),
        ("[::1]:5000/a", "[::1]:5000/a:latest"),
        (f"alpine@{DIGEST}", f"docker.io/library/alpine@{DIGEST}"),
        (f"alpine:3@{DIGEST}", f"docker.io/library/alpine:3@{DIGEST}"),
        ("ttl.sh/a-b_c.d:1h", "ttl.sh/a-b_c.d:1h"),
    ],
)
def test_a_reference_is_made_full(text: str, full: str) -> None:
    assert str(parse(text)) == full


@pytest.mark.parametrize("text", ["", "a'b", "x:", "a//b", "a@sha256:12", "a:b c", "-a", "a@"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidReferenceError, match=r"failed to parse image address .*: invalid reference format$"):
        parse(text)


def test_capitals_are_refused_in_daggers_words() -> None:
    wanted = (
        'failed to resolve identity inputs for Container.from: resolve implicit input "fromSessionScope": '
        "failed to parse image address Bad Ref!!: "
        "invalid reference format: repository name (library/Bad Ref!!) must be lowercase"
    )
    with pytest.raises(InvalidReferenceError) as caught:
        parse("Bad Ref!!")
    assert str(caught.value) == wanted
