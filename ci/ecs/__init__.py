"""The deployer: publishes images, provisions stacks, and shepherds ECS's own blue/green deployments.

It runs inside the deploy container as ``python -m ci.ecs``; boto3 is all it needs, and of `ci` it imports nothing else.
ECS keeps all state: started again at any moment, by anyone, it finds the deployment under way and takes it over.
"""

from .clients import Aws, Clock, connect
from .deploy import Order, deploy
from .errors import CutoverDeployError
from .images import Image, publish, resolve
from .names import Names
from .provision import Settings, provision
from .report import Report

__all__ = [
    "Aws",
    "Clock",
    "CutoverDeployError",
    "Image",
    "Names",
    "Order",
    "Report",
    "Settings",
    "connect",
    "deploy",
    "provision",
    "publish",
    "resolve",
]
