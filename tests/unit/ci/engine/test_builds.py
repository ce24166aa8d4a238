"""Directory.dockerBuild, as clients ask it: what it reads of the folder, and what it says where that is wrong."""

from collections.abc import Callable
from typing import Any

import pytest

Ask = Callable[..., Any]


def built(ask: Ask, files: dict[str, str], leaf: str, args: str = "") -> Any:
    """What `leaf` of the container built of a folder of `files` is, or the error's message."""
    folder = "".join(f'withNewFile(path:"{path}",contents:"{text}"){{' for path, text in files.items())
    build = f"dockerBuild{args}"
    answer = ask(f"{{directory{{{folder}{build}{{{leaf}}}}}{'}' * len(files)}}}")
    if "errors" in answer:
        return answer["errors"][0]["message"]
    found = answer["data"]
    while isinstance(found, dict):
        (found,) = found.values()
    return found


def test_nothing_runs_for_what_the_file_alone_says(ask: Ask) -> None:
    text = "FROM scratch\\nRUN never\\nCOPY none /x\\nENV A=b\\nARG W=x\\nLABEL l=$W"
    assert built(ask, {"Dockerfile": text}, 'envVariable(name:"A")') == "b"
    assert built(ask, {"Dockerfile": text}, 'label(name:"l")', '(buildArgs:[{name:"W",value:"y"}])') == "y"
    assert built(ask, {"sub/Other": text}, "id", '(dockerfile:"sub/Other")')


def test_a_target_and_a_platform_are_chosen(ask: Ask) -> None:
    text = "FROM scratch AS one\\nUSER a\\nFROM scratch\\nUSER b"
    assert built(ask, {"Dockerfile": text}, "user", '(target:"one")') == "a"
    assert built(ask, {"Dockerfile": text}, "platform", '(platform:"linux/arm64/v8")') == "linux/arm64"


@pytest.mark.parametrize(
    ("files", "args", "message"),
    [
        ({"x": ""}, "", "failed to read dockerfile: open Dockerfile: no such file or directory"),
        ({"Dockerfile": "FROM scratch"}, '(target:"no")', 'target stage "no" could not be found'),
        ({"Dockerfile": "FROM scratch\\nNOPE"}, "", "dockerfile parse error on line 2: unknown instruction: NOPE"),
    ],
)
def test_what_is_wrong_is_told(ask: Ask, files: dict[str, str], args: str, message: str) -> None:
    assert built(ask, files, "user", args) == message


def test_what_dockerignore_names_is_not_there(ask: Ask) -> None:
    files = {"Dockerfile": "FROM scratch\\nCOPY a /x", "a": "1", ".dockerignore": "# no\\na"}
    assert '"/a": not found' in built(ask, files, 'file(path:"/x"){contents}')
    own = {**files, "Dockerfile.dockerignore": "b"}
    assert built(ask, own, 'file(path:"/x"){contents}') == "1"
