"""What a buildspec says: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PHASES = ("install", "pre_build", "build", "post_build")
SHELLS = ("sh", "bash")  # `/bin/sh` is CodeBuild's default
ON_FAILURE = ("ABORT", "CONTINUE", "RETRY")
MOST_RETRIES = 3
FORMATS = (
    "JUNITXML", "CUCUMBERJSON", "TESTNGXML", "NUNITXML", "NUNIT3XML", "VISUALSTUDIOTRX", "CLOVERXML", "COBERTURAXML",
    "JACOCOXML", "SIMPLECOV",
)  # fmt: skip


@dataclass(frozen=True)
class Variables:
    """`env`: names and values in the clear, names of parameters, references to secrets
    (`secret-id:json-key:version-stage:version-id`), and the names that are handed on after the build."""

    shell: str = "sh"
    plain: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()


@dataclass(frozen=True)
class Phase:
    """One of the four phases. `on_failure` is empty where CodeBuild's transitions hold; `retries` counts them."""

    name: str
    commands: tuple[str, ...] = ()
    finally_: tuple[str, ...] = ()
    run_as: str = ""
    on_failure: str = ""
    retries: int = 0
    retry_on: str = ""


@dataclass(frozen=True)
class Report:
    """Files that go to a report group; patterns are relative to `base` (empty: the source)."""

    group: str
    files: tuple[str, ...]
    base: str = ""
    discard_paths: bool = False
    format: str = "JUNITXML"


@dataclass(frozen=True)
class Artifacts:
    """Files that a build leaves; patterns are relative to `base`, whose name may have wildcards."""

    files: tuple[str, ...]
    name: str = ""
    base: str = ""
    discard_paths: bool = False
    excluded: tuple[str, ...] = ()
    secondary: Mapping[str, "Artifacts"] = field(default_factory=dict)


@dataclass(frozen=True)
class Buildspec:
    """The whole file."""

    phases: tuple[Phase, ...]
    variables: Variables = field(default_factory=Variables)
    reports: tuple[Report, ...] = ()
    artifacts: Artifacts | None = None
    cached: tuple[str, ...] = ()
