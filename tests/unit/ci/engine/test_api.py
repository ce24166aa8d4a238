"""The API as clients ask it: values, ids, the host, and errors in Dagger's own form."""

import json
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from graphql import GraphQLSchema

from ci.engine import schema
from ci.engine.api import Context
from ci.engine.functions import FunctionCall, LoadedModule
from ci.engine.schema import RequestError
from ci.engine.server import Server
from ci.engine.session import Session
from ci.engine.typedefs import Function, ModuleTypes, ObjectType, TypeRef

Ask = Callable[..., Any]


def message(answer: Any) -> str:
    assert answer["data"] is None
    return str(answer["errors"][0]["message"])


def test_several_fields_under_aliases(ask: Ask) -> None:
    assert ask("{a:version b:container{workdir}}")["data"] == {"a": "v0.21.8", "b": {"workdir": ""}}
    assert ask("{defaultPlatform}")["data"]["defaultPlatform"].startswith("linux/")


def test_a_containers_configuration_is_read_without_docker(ask: Ask) -> None:
    chain = (
        '{container{withEnvVariable(name:"A",value:"b"){withLabel(name:"l",value:"m"){withWorkdir(path:"/w"){withUser(name:"u")'
        '{withEntrypoint(args:["e"]){withDefaultArgs(args:["d"]){withExposedPort(port:80){withMountedTemp(path:"/t"){'
        'envVariable(name:"A") none:envVariable(name:"N") envVariables{name value} label(name:"l") labels{name value}'
        "workdir user entrypoint defaultArgs exposedPorts{port protocol description} mounts}}}}}}}}}}"
    )
    found = ask(chain)["data"]["container"]
    while len(found) == 1:
        (found,) = found.values()
    assert found == {
        "envVariable": "b", "none": None, "envVariables": [{"name": "A", "value": "b"}], "label": "m",
        "labels": [{"name": "l", "value": "m"}], "workdir": "/w", "user": "u", "entrypoint": ["e"],
        "defaultArgs": ["d"],
        "exposedPorts": [{"port": 80, "protocol": "TCP", "description": None}], "mounts": ["/t"],
    }  # fmt: skip


def test_an_id_is_handed_from_one_call_to_the_next(ask: Ask) -> None:
    made = ask('{directory{withNewFile(path:"a",contents:"1"){id}}}')["data"]["directory"]["withNewFile"]["id"]
    query = 'query($d:ID!){container{withDirectory(path:"/x",source:$d){id}} node(id:$d){id ...on Directory{entries}}}'
    assert ask(query, d=made)["data"]["node"] == {"id": made, "entries": ["a"]}


@pytest.mark.parametrize("wrong", ["bogus", "ä"])
def test_a_wrong_id_is_told(ask: Ask, wrong: str) -> None:
    answer = ask('query($d:ID!){container{withDirectory(path:"/x",source:$d){id}}}', d=wrong)
    assert message(answer) == f"{wrong!r} is not the id of a Directory in this session"
    assert answer["errors"][0]["path"] == ["container", "withDirectory"]


def test_one_error_leaves_no_data_at_all(ask: Ask) -> None:
    answer = ask('{v:version d:directory{file(path:"no"){contents}}}')
    assert answer["data"] is None
    assert answer["errors"][0]["path"] == ["d", "file", "contents"]


def test_without_docker_a_container_that_must_run_says_what_to_do(ask: Ask) -> None:
    wanted = "no Docker engine answers (nobody home); start Docker, or set DOCKER_HOST to one that runs"
    assert message(ask('{container{from(address:"python:3.13-slim"){id}}}')) == wanted


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ('{llm{withPrompt(prompt:"x"){lastReply}}}', "Query.llm"),
        ("{currentWorkspace{path}}", "Query.currentWorkspace"),
        ("{env{id}}", "Query.env"),
        ("{changeset{isEmpty}}", "Query.changeset"),
        ('{moduleSource(refString:"."){asModule{name}}}', "Query.moduleSource"),
    ],
)
def test_what_is_not_served_is_refused_by_its_name_with_advice(ask: Ask, query: str, field: str) -> None:
    assert (
        message(ask(query))
        == f"{field} is not served by the embedded engine; Dagger's engine serves it (--engine dagger)"
    )


def test_what_is_not_served_names_the_function_that_asked(session: Session, core: GraphQLSchema) -> None:
    called = Context(session, call=FunctionCall("Ci", "ask"))
    answer = schema.answer(core, called, "{llm{lastReply}}", None)
    assert message(answer) == (
        "Query.llm, which Ci.ask calls, is not served by the embedded engine; Dagger's engine serves it "
        "(--engine dagger)"
    )


def test_an_object_is_loaded_by_its_id_in_the_older_way_too(ask: Ask) -> None:
    made = ask('{directory{withNewFile(path:"a",contents:"1"){id}}}')["data"]["directory"]["withNewFile"]["id"]
    query = "query($d:DirectoryID!,$s:SyncerID!){loadDirectoryFromID(id:$d){entries} loadSyncerFromID(id:$s){id}}"
    assert ask(query, d=made, s=made)["data"] == {
        "loadDirectoryFromID": {"entries": ["a"]}, "loadSyncerFromID": {"id": made},
    }  # fmt: skip
    wrong = ask("query($d:FileID!){loadFileFromID(id:$d){size}}", d=made)
    assert message(wrong) == f"{made!r} is not the id of a File in this session"


def test_the_hosts_folders_and_files_are_read_relative_to_the_call(ask: Ask, session: Session) -> None:
    (session.workdir / "sub").mkdir()
    (session.workdir / "sub" / "a.py").write_text("1", encoding="utf-8")
    (session.workdir / "sub" / "b.txt").write_text("2", encoding="utf-8")
    assert ask('{host{directory(path:"sub",include:["*.py"]){entries}}}')["data"]["host"]["directory"]["entries"] == [
        "a.py"
    ]
    assert ask('{host{directory(path:"sub",exclude:["*.py"]){entries}}}')["data"]["host"]["directory"]["entries"] == [
        "b.txt"
    ]
    assert ask('{host{file(path:"sub/b.txt"){contents name}}}')["data"]["host"]["file"] == {
        "contents": "2",
        "name": "b.txt",
    }
    assert (
        message(ask('{host{directory(path:"no"){entries}}}'))
        == f"lstat {session.workdir}/no: no such file or directory"
    )
    assert message(ask('{host{file(path:"no"){contents}}}')) == f"stat {session.workdir}/no: no such file or directory"


def test_secrets_are_named_and_read(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTOVER_TOKEN", "from env")
    assert ask('{setSecret(name:"a",plaintext:"hush"){name plaintext}}')["data"]["setSecret"] == {
        "name": "a",
        "plaintext": "hush",
    }
    assert ask('{secret(uri:"env:CUTOVER_TOKEN"){uri plaintext}}')["data"]["secret"] == {
        "uri": "env:CUTOVER_TOKEN", "plaintext": "from env",
    }  # fmt: skip
    assert message(ask('{secret(uri:"env:NOSUCHVAR"){id}}')) == 'secret env var not found: "NOS..."'


def test_a_known_secret_is_scrubbed_out_of_errors(ask: Ask) -> None:
    ask('{setSecret(name:"a",plaintext:"hush"){id}}')
    assert message(ask('{directory{file(path:"hush"){contents}}}')) == "stat ***: no such file or directory"


@pytest.mark.parametrize(
    "query", ['{host{directory(path:"."){id}}}', '{host{file(path:"x"){id}}}', '{secret(uri:"env:HOME"){id}}']
)
def test_a_modules_function_has_no_host(session: Session, query: str) -> None:
    answer = schema.answer(schema.build(), Context(session, call=FunctionCall()), query, None)
    assert "is not available to a module's function: it has no host" in message(answer)


def test_a_function_exports_to_its_working_folder_and_nowhere_else(session: Session, tmp_path: Path) -> None:
    def export(path: str) -> Any:
        query = f'{{directory{{withNewFile(path:"d/a",contents:"1"){{directory(path:"d"){{export(path:"{path}")}}}}}}}}'
        return schema.answer(schema.build(), Context(session, call=FunctionCall(workdir=tmp_path)), query, None)

    assert export("out")["data"]["directory"]["withNewFile"]["directory"]["export"] == str(tmp_path / "out")
    assert (tmp_path / "out" / "a").read_text(encoding="utf-8") == "1"
    assert message(export("/tmp/out")) == "workdir path '/tmp/out' escapes workdir; use a path inside of it"


def test_a_functions_module_is_what_it_says_of_itself(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "call"
    folder.mkdir()
    (folder / "made").write_text("1", encoding="utf-8")
    context = Context(session, cast(LoadedModule, SimpleNamespace(name="shop", function=lambda *_: None)))
    context = replace(context, call=FunctionCall(workdir=folder))
    query = '{currentModule{name dependencies{id} workdirFile(path:"made"){contents} workdir(path:"."){entries}}}'
    assert schema.answer(schema.build(), context, query, None)["data"]["currentModule"] == {
        "name": "shop", "dependencies": [], "workdirFile": {"contents": "1"}, "workdir": {"entries": ["made"]},
    }  # fmt: skip
    escaped = schema.answer(schema.build(), context, '{currentModule{workdirFile(path:"../x"){contents}}}', None)
    assert message(escaped) == "workdir path '../x' escapes workdir; use a path inside of it"


def test_a_function_may_answer_an_error(ask: Ask, session: Session) -> None:
    made = ask('{error(message:"no tea"){withValue(name:"left",value:"0"){id}}}')["data"]["error"]["withValue"]["id"]
    call = FunctionCall()
    query = "query($e:ID!){currentFunctionCall{returnError(error:$e)}}"
    schema.answer(schema.build(), Context(session, call=call), query, {"e": made})
    assert call.error is not None
    assert (call.error.field, call.error.args, call.returned) == ("withValue", {"name": "left", "value": "0"}, False)


def test_only_a_function_has_a_current_call(ask: Ask) -> None:
    assert message(ask("{currentFunctionCall{name}}")) == "no function is being called"


def test_a_function_is_told_what_it_is_called_with_and_answers(session: Session) -> None:
    call = FunctionCall("Ci", "hello", {"s": 1}, {"name": "bob"})
    query = '{currentFunctionCall{parentName name parent inputArgs{name value} returnValue(value:"[1]")}}'
    found = schema.answer(schema.build(), Context(session, call=call), query, None)["data"]["currentFunctionCall"]
    assert (found["parentName"], found["name"], json.loads(found["parent"])) == ("Ci", "hello", {"s": 1})
    assert found["inputArgs"] == [{"name": "name", "value": '"bob"'}]
    assert (call.returned, call.value) == (True, [1])


@pytest.mark.parametrize(
    ("query", "code", "text"),
    [
        ("", "GRAPHQL_VALIDATION_FAILED", "no operation provided"),
        ("{container{", "GRAPHQL_PARSE_FAILED", "Expected Name, found <EOF>"),
        ("{container{nosuch}}", "GRAPHQL_VALIDATION_FAILED", 'Cannot query field "nosuch" on type "Container".'),
        (
            '{container{from(addr:"x"){id}}}',
            "GRAPHQL_VALIDATION_FAILED",
            'Unknown argument "addr" on field "Container.from".',
        ),
        (
            "{container{from{id}}}",
            "GRAPHQL_VALIDATION_FAILED",
            'Field "from" argument "address" of type "String!" is required, but it was not provided.',
        ),
        ("query A{version} query B{defaultPlatform}", "GRAPHQL_VALIDATION_FAILED", "operation  not found"),
    ],
)
def test_a_query_that_is_wrong_is_refused_before_it_runs(ask: Ask, query: str, code: str, text: str) -> None:
    with pytest.raises(RequestError) as caught:
        ask(query)
    assert caught.value.status == 422
    assert caught.value.errors[0]["extensions"] == {"code": code}
    assert caught.value.errors[0]["message"] == text


def test_a_value_of_the_wrong_type_is_an_answer_as_dagger_gives_it(ask: Ask) -> None:
    query = "{container{from(address:1){id}}}"
    with pytest.raises(RequestError) as caught:
        ask(query)
    assert caught.value.status == 200
    wanted = f"query:\n{query}\n\nerror: String cannot represent a non string value: 1"
    assert caught.value.errors == [{"message": wanted}]


@pytest.mark.parametrize("value", ["TCP", '"TCP"'])
def test_an_enums_value_may_be_quoted(ask: Ask, value: str) -> None:
    answer = ask(f"{{container{{withExposedPort(port:1,protocol:{value}){{exposedPorts{{protocol}}}}}}}}")
    assert answer["data"]["container"]["withExposedPort"]["exposedPorts"] == [{"protocol": "TCP"}]


@pytest.mark.parametrize("value", ["NONE", '"NONE"'])
def test_a_value_that_an_enum_does_not_have_is_told(ask: Ask, value: str) -> None:
    with pytest.raises(RequestError) as caught:
        ask(f"{{container{{withExposedPort(port:1,protocol:{value}){{id}}}}}}")
    assert caught.value.errors[0]["message"].endswith('error: invalid enum value "NONE" for NetworkProtocol')


def test_a_platform_is_looked_at_before_anything_is_made(ask: Ask) -> None:
    told = message(ask('{container(platform:"invalid"){id}}'))
    assert told == '"invalid": unknown operating system or architecture: invalid argument'
    assert ask('{container(platform:"x86_64"){platform}}')["data"]["container"] == {"platform": "linux/amd64"}


def test_a_defect_of_the_engine_is_told_as_one(session: Session, core: GraphQLSchema) -> None:
    broken = Context(session, call=cast(FunctionCall, object()))
    answer = schema.answer(core, broken, "{currentFunctionCall{name}}", None)
    assert message(answer).startswith("the embedded engine itself failed (AttributeError: ")


# Over HTTP


@pytest.fixture
def server(session: Session) -> Iterator[Server]:
    served = Server(session)
    yield served
    served.close()


def post(server: Server, body: bytes | None, token: str) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{server._http.server_address[1]}/query"
    request = urllib.request.Request(url, body, {"Authorization": "Basic " + b64encode(f"{token}:".encode()).decode()})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
            return error.code, json.loads(text) if text else None


@pytest.fixture
def token(server: Server, session: Session) -> Iterator[str]:
    with server._token(Context(session, call=FunctionCall())) as made:
        yield made


def test_a_request_with_its_token_is_answered(server: Server, token: str) -> None:
    body = json.dumps({"query": "query Q{version}", "operationName": "Q"}).encode()
    assert post(server, body, token) == (200, {"data": {"version": "v0.21.8"}})


@pytest.mark.parametrize("wrong", ["", "nope", "ä"])
def test_a_request_without_a_known_token_is_refused(server: Server, wrong: str) -> None:
    assert post(server, b'{"query":"{version}"}', wrong) == (401, None)


@pytest.mark.parametrize("body", [b"{nope", b"[]", b'"x"', b"\xff"])
def test_a_body_that_is_no_request_is_refused(server: Server, token: str, body: bytes) -> None:
    status, answer = post(server, body, token)
    assert status == 400
    assert message(answer).startswith("json request body could not be decoded: ")


def test_a_query_that_does_not_validate_is_422(server: Server, token: str) -> None:
    status, answer = post(server, b'{"query":"{nosuch}"}', token)
    assert (status, answer["data"]) == (422, None)
    assert answer["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


def test_get_is_no_operation(server: Server, token: str) -> None:
    status, answer = post(server, None, token)
    assert (status, message(answer)) == (422, "no operation provided")


def test_a_token_ends_with_its_call(server: Server, session: Session) -> None:
    with server._token(Context(session)) as made:
        pass
    assert post(server, b'{"query":"{version}"}', made)[0] == 401


def test_a_client_that_has_gone_is_nothing_to_tell(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ConnectionResetError(104, "Connection reset by peer")
    except ConnectionResetError:
        server._http.handle_error(None, ("127.0.0.1", 1))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("interface", [True, False])
def test_a_function_sees_its_modules_types_where_it_has_interfaces(
    server: Server, session: Session, interface: bool
) -> None:
    main = ObjectType("Shop", functions=(Function("sell", TypeRef("STRING_KIND")),))
    types = ModuleTypes("shop", "", (main, ObjectType("ShopDuck", functions=main.functions, interface=interface)))
    module = cast(LoadedModule, SimpleNamespace(name="shop", types=types, function=lambda *_: None))
    query = '{duck:__type(name:"ShopDuck"){name} query:__type(name:"Query"){fields{name}}}'
    context = Context(session, module, FunctionCall())
    status, answer = server.answer(context, json.dumps({"query": query}).encode())
    assert status == 200
    assert (answer["data"]["duck"] == {"name": "ShopDuck"}) is interface
    assert {"name": "shop"} not in answer["data"]["query"]["fields"], "a function does not call its own module"
