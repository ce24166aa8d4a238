"""Directory and File as a client asks for them: nothing here needs Docker."""

from collections.abc import Callable
from typing import Any

import pytest

from ci.engine.session import Session

Ask = Callable[..., Any]
AB = 'withNewFile(path:"a.txt",contents:"A"){withNewFile(path:"/b/c.txt",contents:"C",permissions:384){%s}}'


def got(answer: Any) -> Any:
    """The one value in a response's nested data."""
    assert "errors" not in answer, answer
    value = answer["data"]
    while isinstance(value, dict):
        (value,) = value.values()
    return value


@pytest.fixture
def of(ask: Ask) -> Callable[[str], Any]:
    """The value that a field of a directory with a.txt and b/c.txt gives."""
    return lambda text: got(ask("{directory{%s}}" % (AB % text)))


Of = Callable[[str], Any]


def test_files_put_in_are_there(of: Of) -> None:
    assert of("entries") == ["a.txt", "b/"]
    assert of('entries(path:"b")') == ["c.txt"]
    assert of('file(path:"b/c.txt"){contents}') == "C"
    assert of('file(path:"b/c.txt"){size}') == 1
    assert of('file(path:"b/c.txt"){name}') == "c.txt"
    assert of('glob(pattern:"**/*.txt")') == ["a.txt", "b/c.txt"]
    assert of('exists(path:"b/c.txt")') is True
    assert of('exists(path:"b/d.txt")') is False


def test_parts_can_be_taken_and_left_out(of: Of) -> None:
    assert of('directory(path:"b"){entries}') == ["c.txt"]
    assert of('withoutFile(path:"a.txt"){entries}') == ["b/"]
    assert of('withoutDirectory(path:"b"){entries}') == ["a.txt"]
    assert of('withoutFiles(paths:["a.txt","b/c.txt"]){entries}') == ["b/"]
    assert of('filter(include:["b"]){glob(pattern:"**")}') == ["b/", "b/c.txt"]
    assert of('filter(exclude:["b"]){entries}') == ["a.txt"]


def test_directories_and_links_can_be_made(of: Of) -> None:
    assert of('withNewDirectory(path:"new"){entries}') == ["a.txt", "b/", "new/"]
    assert of('withSymlink(target:"a.txt",linkName:"l"){entries}') == ["a.txt", "b/", "l"]


def test_one_tree_goes_into_another(ask: Ask) -> None:
    source = got(ask("{directory{%s}}" % (AB % "id")))
    query = (
        'query($s:ID!){directory{withNewFile(path:"x/a.txt",contents:"old"){withDirectory(path:"x",source:$s%s){%s}}}}'
    )
    assert got(ask(query % ("", 'glob(pattern:"**")'), s=source)) == ["x/", "x/a.txt", "x/b/", "x/b/c.txt"]
    assert got(ask(query % ("", 'file(path:"x/a.txt"){contents}'), s=source)) == "A"
    assert got(ask(query % (',exclude:["b"]', 'glob(pattern:"**")'), s=source)) == ["x/", "x/a.txt"]
    assert got(ask(query % ("", "diff(other:$s){entries}"), s=source)) == ["a.txt", "b/"]


def test_a_file_goes_into_a_directory_under_another_name(ask: Ask) -> None:
    made = got(ask('{file(name:"f.txt",contents:"F"){id}}'))
    put = "query($f:ID!){directory{withFile(path:%r,source:$f,permissions:493){%s}}}".replace("%r", '"to/g.sh"')
    assert got(ask(put % 'file(path:"to/g.sh"){contents}', f=made)) == "F"
    many = 'query($f:ID!){directory{withFiles(path:"many",sources:[$f]){entries(path:"many")}}}'
    assert got(ask(many, f=made)) == ["f.txt"]
    assert got(ask('query($f:ID!){node(id:$f){...on File{withName(name:"n"){name}}}}', f=made)) == "n"


def test_equal_content_has_one_digest_however_it_was_made(ask: Ask) -> None:
    forth = got(ask('{directory{withNewFile(path:"a",contents:"1"){withNewFile(path:"b",contents:"2"){digest}}}}'))
    back = got(ask('{directory{withNewFile(path:"b",contents:"2"){withNewFile(path:"a",contents:"1"){digest}}}}'))
    other = got(ask('{directory{withNewFile(path:"b",contents:"2"){withNewFile(path:"a",contents:"3"){digest}}}}'))
    assert forth == back != other
    assert forth.startswith("sha256:")


def test_timestamps_do_not_change_a_digest(of: Of) -> None:
    assert of("withTimestamps(timestamp:5){digest}") == of("digest")


def test_owners_are_numbers_or_names_that_the_directory_has(of: Of, ask: Ask) -> None:
    assert of('chown(path:"/",owner:"5:6"){digest}') != of("digest")
    answer = ask("{directory{%s}}" % (AB % 'chown(path:"/",owner:"nobody"){digest}'))
    wanted = "failed to parse ownership nobody: open /etc/passwd: no such file or directory"
    assert answer["errors"][0]["message"] == wanted


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ('file(path:"no"){contents}', "stat no: no such file or directory"),
        ('file(path:"b"){contents}', "path b is a directory, not a file"),
        ('directory(path:"no"){entries}', "stat no: no such file or directory"),
        ('directory(path:"a.txt"){entries}', "path a.txt is a file, not a directory"),
        ('entries(path:"no")', "stat no: no such file or directory"),
    ],
)
def test_what_is_not_there_is_one_clear_error(ask: Ask, field: str, message: str) -> None:
    answer = ask("{directory{%s}}" % (AB % field))
    assert answer["data"] is None
    assert [row["message"] for row in answer["errors"]] == [message]


def test_export_writes_to_the_host(ask: Ask, session: Session) -> None:
    assert got(ask("{directory{%s}}" % (AB % 'export(path:"out")'))) == str(session.workdir / "out")
    assert (session.workdir / "out/b/c.txt").read_text(encoding="utf-8") == "C"
    assert (session.workdir / "out/b/c.txt").stat().st_mode & 0o777 == 0o600
    assert got(ask('{file(name:"f.txt",contents:"F"){export(path:"out",allowParentDirPath:true)}}')).endswith(
        "out/f.txt"
    )
    assert (session.workdir / "out/f.txt").read_text(encoding="utf-8") == "F"
