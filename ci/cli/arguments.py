"""What the texts of a call's arguments stand for: folders, files, secrets, services and the other objects, as ids."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ci.cli.errors import UsageError
from ci.cli.names import kebab
from ci.errors import CutoverError

if TYPE_CHECKING:
    from ci.cli.types import Types
    from ci.cli.words import Link
    from ci.engine.typedefs import Argument

Ask = Callable[[str, Mapping[str, Any]], Any]
Host = Callable[[str, str, Sequence[str]], str]  # a type, a path or URI, and what to leave out: an id
Query = tuple[str, dict[str, Any]]
GIT = re.compile(r"(?:(?:https?|ssh|git)://|[\w.-]+@[\w.-]+:)", re.IGNORECASE)
DECLARED = {"exclude": "[String!]", "ports": "[PortForward!]!"}
HERE = ("Directory", "File", "Secret")
LOADED = ("Directory", "File", "Container")  # what Dagger's command line loads before the call begins


def objects(link: "Link", types: "Types", command: str, ask: Ask, host: Host | None = None) -> dict[str, Any]:
    """The given arguments of one function by their names, objects as ids.

    Args:
        command: the words that call the function, for errors.
        ask: answers a query with its variables.
        host: gives what lies on this machine without a query: the GraphQL library takes long to import.

    Raises:
        UsageError: a text stands for nothing, such as a folder that is not there.
    """
    found = link.values(types)
    for arg in link.function.args:
        if arg.name in found and arg.type.innermost.kind == "OBJECT_KIND":
            given = found[arg.name]
            ids = [_object(arg, text, command, ask, host) for text in (given if isinstance(given, list) else [given])]
            found[arg.name] = ids if isinstance(given, list) else ids[0]
    return found


def _object(arg: "Argument", text: str, command: str, ask: Ask, host: Host | None) -> str:
    kind = arg.type.innermost.name
    try:
        if host is not None and kind in HERE and not GIT.match(text):
            place = _uri(text) if kind == "Secret" else text.removeprefix("file://")
            return host(kind, place, arg.ignore if kind == "Directory" else ())
        query, variables = QUERIES[kind](text, arg)
        return str(_innermost(ask(query, variables)))
    except CutoverError as error:
        if kind not in LOADED and not isinstance(error, AddressError):
            raise
        raise UsageError(f'failed to get value for argument "{kebab(arg.name)}": {error}', command) from error


class AddressError(CutoverError):
    """A text that is no address of the kind of object wanted."""


def _innermost(answer: Any) -> Any:
    while isinstance(answer, Mapping):
        answer = next(iter(answer.values()))
    return answer


def _query(text: str, **variables: Any) -> Query:
    head = ", ".join(f"${name}: {DECLARED.get(name, 'String!')}" for name in variables)
    return (f"query ({head}) {{ {text} }}" if head else f"{{ {text} }}"), variables


def _directory(text: str, arg: "Argument") -> Query:
    if GIT.match(text):
        return _git(text, "directory", "/")
    path = text.removeprefix("file://")
    return _query("host{directory(path:$path,exclude:$exclude){id}}", path=path, exclude=list(arg.ignore))


def _file(text: str, _: "Argument") -> Query:
    if GIT.match(text):
        return _git(text, "file", "")
    return _query("host{file(path:$path){id}}", path=text.removeprefix("file://"))


def _git(text: str, what: str, default: str) -> Query:
    """A folder or file of a git repository: `URL#REF:PATH`."""
    url, _, fragment = text.partition("#")
    name, _, path = fragment.partition(":")
    if not path and not default:
        raise AddressError("no file path specified within git repository")
    ref, variables = _ref(name)
    return _query(
        f"git(url:$url){{{ref}{{tree{{{what}(path:$path){{id}}}}}}}}", url=url, path=path or default, **variables
    )


def _ref(name: str) -> Query:
    return ("ref(name:$name)", {"name": name}) if name else ("head", {})


def _git_repository(text: str, _: "Argument") -> Query:
    if "#" in text and GIT.match(text):
        raise AddressError("git repository address cannot contain ref")
    return _repository(text, "id")


def _git_ref(text: str, _: "Argument") -> Query:
    url, _hash, fragment = text.partition("#")
    if ":" in fragment:
        raise AddressError("git ref address cannot contain subdir")
    ref, variables = _ref(fragment)
    query, more = _repository(url, f"{ref}{{id}}", **variables)
    return query, more


def _repository(url: str, rest: str, **variables: Any) -> Query:
    if GIT.match(url):
        return _query(f"git(url:$url){{{rest}}}", url=url, **variables)
    return _query(f"host{{directory(path:$path){{asGit{{{rest}}}}}}}", path=url.removeprefix("file://"), **variables)


def _secret(text: str, _: "Argument") -> Query:
    """`env:NAME`, `file:PATH`, `cmd:COMMAND`, also with `://`; a bare NAME is an environment variable's."""
    return _query("secret(uri:$uri){id}", uri=_uri(text))


def _uri(text: str) -> str:
    return text if ":" in text else f"env://{text}"


def _service(text: str, _: "Argument") -> Query:
    match = re.fullmatch(r"(?P<scheme>\w+)://\[?(?P<host>[^/\]]+)\]?:(?P<port>\d+)/?", text)
    if match is None or match["scheme"] not in ("tcp", "udp"):
        raise AddressError(f"unsupported service address: {text!r}. Must be a valid tcp:// or udp:// URL with a port")
    port = {"frontend": int(match["port"]), "backend": int(match["port"]), "protocol": match["scheme"].upper()}
    return _query("host{service(host:$host,ports:$ports){id}}", host=match["host"], ports=[port])


QUERIES: dict[str, Callable[[str, "Argument"], Query]] = {
    "Directory": _directory,
    "File": _file,
    "Secret": _secret,
    "Service": _service,
    "GitRepository": _git_repository,
    "GitRef": _git_ref,
    "Container": lambda text, _: _query("container{from(address:$address){id}}", address=text),
    "CacheVolume": lambda text, _: _query("cacheVolume(key:$key){id}", key=text),
    "Socket": lambda text, _: _query("host{unixSocket(path:$path){id}}", path=text.removeprefix("unix://")),
}
