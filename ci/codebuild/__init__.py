"""A build as CodeBuild carries it out, on this machine: a buildspec, phase by phase, in a clean container."""

from ci.codebuild.buildspec import Artifacts, Buildspec, Phase, Report, Variables
from ci.codebuild.errors import BuildspecError, CodeBuildError
from ci.codebuild.parse import parse
from ci.codebuild.phases import Outcome, PhaseResult, run_phases

__all__ = [
    "Artifacts",
    "Buildspec",
    "BuildspecError",
    "CodeBuildError",
    "Outcome",
    "Phase",
    "PhaseResult",
    "Report",
    "Variables",
    "parse",
    "run_phases",
]
