"""A pipeline as CodePipeline carries it out, on this machine: stage by stage, approval included."""

from ci.pipeline.declared import Action, Condition, Pipeline, Stage, read
from ci.pipeline.errors import PipelineError
from ci.pipeline.execution import Execution, Hooks, StageRun, execute

__all__ = [
    "Action",
    "Condition",
    "Execution",
    "Hooks",
    "Pipeline",
    "PipelineError",
    "Stage",
    "StageRun",
    "execute",
    "read",
]
