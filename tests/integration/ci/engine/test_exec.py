"""Commands in containers."""

from typing import Any

import pytest

pytestmark = pytest.mark.docker

BASE = 'container{from(address:"python:3.13-slim"){%s}}'


def error(answer: Any) -> Any:
    assert answer["data"] is None
    (row,) = answer["errors"]
    return row


def sh(script: str, then: str, more: str = "") -> str:
    return "{%s}" % (BASE % f'withExec(args:["sh","-c","{script}"]{more}){{{then}}}')


def test_output_and_exit_code_of_a_command(engine: Any) -> None:
    found = engine.get(sh("echo out; echo err >&2", "stdout stderr exitCode combinedOutput"))
    assert found.pop("combinedOutput") in ("out\nerr\n", "err\nout\n")
    assert found == {"stdout": "out\n", "stderr": "err\n", "exitCode": 0}


def test_any_exit_code_is_fine_where_any_is_expected(engine: Any) -> None:
    found = engine.get(sh("echo o; exit 9", "exitCode stdout stderr", ",expect:ANY"))
    assert found == {"exitCode": 9, "stdout": "o\n", "stderr": ""}


def test_a_failure_that_is_expected_is_fine_and_a_success_then_is_not(engine: Any) -> None:
    assert engine.get(sh("exit 4", "exitCode", ",expect:FAILURE")) == 4
    row = error(engine.answer(sh("true", "exitCode", ",expect:FAILURE")))
    assert row["message"] == "exit code: 0"
    assert row["extensions"]["exitCode"] == 0


def test_a_failing_command_is_an_exec_error_with_all_it_said(engine: Any) -> None:
    row = error(engine.answer(sh("echo out-text; echo err-text >&2; exit 3", "stdout")))
    assert row["message"] == "exit code: 3"
    assert row["path"] == ["container", "from", "withExec", "stdout"]
    assert row["extensions"] == {
        "_type": "EXEC_ERROR",
        "cmd": ["sh", "-c", "echo out-text; echo err-text >&2; exit 3"],
        "exitCode": 3,
        "stdout": "out-text",
        "stderr": "err-text",
    }


def test_one_error_leaves_no_data(engine: Any) -> None:
    row = error(engine.answer("{v:version f:%s}" % (BASE % 'withExec(args:["false"]){stdout}')))
    assert row["path"] == ["f", "from", "withExec", "stdout"]


def test_a_missing_program_ends_with_exit_code_1_and_its_name(engine: Any) -> None:
    row = error(engine.answer("{%s}" % (BASE % 'withExec(args:["/nosuchbin"]){stdout}')))
    assert row["extensions"]["exitCode"] == 1
    assert row["extensions"]["stderr"] == "fork/exec /nosuchbin: no such file or directory"


def test_a_program_that_is_missing_where_init_is_left_out_is_told_alike(engine: Any) -> None:
    row = error(engine.answer("{%s}" % (BASE % 'withExec(args:["/nosuchbin"],noInit:true){stdout}')))
    assert (row["extensions"]["exitCode"], row["extensions"]["stderr"]) == (
        1,
        "fork/exec /nosuchbin: no such file or directory",
    )


def test_a_killed_command_ends_with_its_signals_code(engine: Any) -> None:
    assert error(engine.answer(sh("kill -9 $$", "stdout")))["extensions"]["exitCode"] == 137


def test_no_command_is_one_clear_error(engine: Any) -> None:
    assert error(engine.answer("{%s}" % (BASE % "stdout")))["message"] == "no command has been set"


def test_a_command_gets_its_stdin_user_workdir_and_environment(engine: Any) -> None:
    code = "import os,sys; print(os.getuid(), os.getcwd(), os.environ['A'], sys.stdin.read())"
    before = 'withEnvVariable(name:"A",value:"b"){withWorkdir(path:"/tmp"){withUser(name:"65534"){%s}}}'
    assert engine.python(code, before, args=',stdin:"given"') == "65534 /tmp b given\n"


def test_a_large_output_on_both_streams_is_whole(engine: Any) -> None:
    found = engine.get(sh("seq 1 50000; seq 1 50000 >&2", "stdout stderr"))
    wanted = "".join(f"{number}\n" for number in range(1, 50001))
    assert found == {"stdout": wanted, "stderr": wanted}


def test_a_command_sees_what_the_one_before_it_wrote(engine: Any) -> None:
    chain = 'withExec(args:["sh","-c","echo 1 > /one"]){withExec(args:["cat","/one"]){stdout}}'
    assert engine.get("{%s}" % (BASE % chain)) == "1\n"
