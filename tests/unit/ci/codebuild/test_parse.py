"""The buildspec's reader: what CodeBuild takes is taken, what it would refuse is told with its place."""

import pytest

from ci.codebuild import Artifacts, BuildspecError, Phase, Report, Variables, parse

WHOLE = """\
version: 0.2
run-as: builder
env:
  shell: bash
  variables: {COLOUR: blue, COUNT: 3}
  parameter-store: {LEVEL: /shop/level}
  secrets-manager: {TOKEN: "shop/token:key:AWSCURRENT"}
  exported-variables: [COLOUR]
phases:
  install:
    runtime-versions: {python: 3.13}
    commands: [pip install .]
    finally: [echo installed]
  build:
    run-as: root
    on-failure: RETRY-2
    commands: ["make: all"]
reports:
  tests:
    files: ["**/*.xml"]
    base-directory: report
    discard-paths: yes
    file-format: JunitXml
artifacts:
  files: ["**/*"]
  name: out
  exclude-paths: [secret/**]
  base-directory: dist
  secondary-artifacts:
    logs: {files: ["*.log"]}
cache:
  paths: [/root/.cache/pip/**/*]
"""
LEAST = "version: 0.2\nphases: {build: {commands: [make]}}\n"


def test_every_part_of_the_reference_is_read() -> None:
    spec = parse(WHOLE)
    assert spec.phases == (
        Phase("install", ("pip install .",), ("echo installed",), "builder"),
        Phase("build", ("make: all",), (), "root", "RETRY", 2),
    )
    assert spec.variables == Variables(
        "bash",
        {"COLOUR": "blue", "COUNT": "3"},
        {"LEVEL": "/shop/level"},
        {"TOKEN": "shop/token:key:AWSCURRENT"},
        ("COLOUR",),
    )
    assert spec.reports == (Report("tests", ("**/*.xml",), "report", True),)
    assert spec.artifacts == Artifacts(("**/*",), "out", "dist", False, ("secret/**",), {"logs": Artifacts(("*.log",))})
    assert spec.cached == ("/root/.cache/pip/**/*",)


def test_all_but_the_phases_may_be_left_out() -> None:
    spec = parse(LEAST)
    assert (spec.variables, spec.reports, spec.artifacts) == (Variables(), (), None)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("ABORT", ("ABORT", 0, "")),
        ("CONTINUE", ("CONTINUE", 0, "")),
        ("RETRY", ("RETRY", 3, "")),
        ("RETRY-1", ("RETRY", 1, "")),
        ("RETRY-timed out", ("RETRY", 3, "timed out")),
    ],
)
def test_on_failure_says_what_to_do_and_how_often(said: str, means: tuple[str, int, str]) -> None:
    (phase,) = parse(LEAST.replace("{commands", f"{{on-failure: {said}, commands")).phases
    assert (phase.on_failure, phase.retries, phase.retry_on) == means


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 0.2\n  phases:", "b.yml: line 2 is not YAML: mapping values are not allowed here"),
        ("[]", "b.yml: must be a mapping"),
        ("phases: {}", "b.yml: version = None is not served: it must be 0.2"),
        ("version: 0.1\nphases: {}", "b.yml: version = 0.1 is not served: it must be 0.2"),
        ("version: 0.2", "b.yml: phases must have a phase with commands"),
        (LEAST.replace("build:", "built:"), "b.yml: phases has no key 'built'; did you mean 'build'?"),
        (LEAST.replace("commands", "comands"), "b.yml: phases.build has no key 'comands'; did you mean 'commands'?"),
        (LEAST.replace("[make]", "make"), "b.yml: phases.build.commands must be a list of texts"),
        (LEAST.replace("[make]", "[{a: b}]"), "b.yml: phases.build.commands must be a list of texts"),
        (
            LEAST.replace("{commands", "{on-failure: RETRY-9, commands"),
            "b.yml: phases.build.on-failure = 'RETRY-9' is not allowed: it must be one of ABORT, CONTINUE, RETRY,"
            " RETRY-COUNT (at most 3) or RETRY-PATTERN",
        ),
        (LEAST + "env: {shell: zsh}", "b.yml: env.shell = 'zsh' is not allowed: it must be one of sh, bash"),
        (
            LEAST + "env: {variables: {a-b: c}}",
            "b.yml: env.variables.a-b is no name for a variable (letters, digits, _; not CODEBUILD_…)",
        ),
        (
            LEAST + "env: {variables: {CODEBUILD_X: c}}",
            "b.yml: env.variables.CODEBUILD_X is no name for a variable (letters, digits, _; not CODEBUILD_…)",
        ),
        (LEAST + "reports: {tests: {}}", "b.yml: reports.tests must have files"),
        (LEAST + "artifacts: {discard-paths: maybe, files: [a]}", "b.yml: artifacts.discard-paths = 'maybe' is not"
         " allowed: it must be yes or no"),
        (LEAST + "artifacts: {}", "b.yml: artifacts must have files"),
        (LEAST + "proxies: {}", "b.yml: has no key 'proxies'; known: version, run-as, phases, env, reports, artifacts,"
         " cache"),
    ],
)  # fmt: skip
def test_what_codebuild_would_refuse_is_one_sentence_with_its_place(text: str, told: str) -> None:
    with pytest.raises(BuildspecError) as caught:
        parse(text, "b.yml")
    assert str(caught.value) == told
