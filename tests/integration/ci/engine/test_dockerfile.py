"""A Dockerfile is built by the engine's own steps."""

from typing import Any

import pytest

pytestmark = pytest.mark.docker

TEXT = """\
ARG BASE=python:3.13-slim
FROM ${BASE} AS build
WORKDIR /src
COPY *.txt sub ./
ARG WHO=world
ENV GREETING="hello"
RUN --mount=type=bind,source=sub,target=/mnt --mount=type=secret,id=token <<EOF
set -e
ls /mnt . > list
echo "$GREETING $WHO $(wc -c < /run/secrets/token)" > out
EOF
FROM ${BASE}
COPY --from=build --chown=nobody --chmod=640 /src/out /src/l*st /data/
RUN test ! -e /run/secrets/token && stat -c '%U %a %n' /data/* && cat /data/*
USER nobody
"""


def test_stages_mounts_and_copies_do_as_buildkit_does(engine: Any) -> None:
    folder = engine.session.workdir
    (folder / "sub").mkdir()
    for path, text in (("Dockerfile", TEXT), ("a.txt", "A"), ("sub/b", "B")):
        (folder / path).write_text(text, encoding="utf-8")
    token = engine.get('{setSecret(name:"token",plaintext:"hush"){id}}')
    found = engine.get(
        'query($s:ID!){host{directory(path:"."){dockerBuild(secrets:[$s],buildArgs:[{name:"WHO",value:"bob"}])'
        "{stdout user}}}}",
        s=token,
    )
    assert found["user"] == "nobody"
    listed = ".:\na.txt\nb\nlist\n\n/mnt:\nb\n"
    assert found["stdout"] == f"nobody 640 /data/list\nnobody 640 /data/out\n{listed}hello bob 4\n"


def test_a_command_that_fails_is_its_exec_error(engine: Any) -> None:
    (engine.session.workdir / "Dockerfile").write_text("FROM python:3.13-slim\nRUN echo no >&2; exit 3\n", "utf-8")
    (row,) = engine.answer('{host{directory(path:"."){dockerBuild{sync}}}}')["errors"]
    assert (row["extensions"]["exitCode"], row["extensions"]["stderr"]) == (3, "no")
