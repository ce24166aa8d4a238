"""The deployer: publishes images, provisions stacks, and shepherds ECS's own blue/green deployments.

It runs inside the deploy container as ``python -m ci.ecs``; boto3 is all it needs, and of `ci` it imports nothing else.
ECS keeps all state: started again at any moment, by anyone, it finds the deployment under way and takes it over.
"""

from .clients import Aws, Clock, connect
from .deploy import Order, deploy
from .errors import CutoverDeployError
from .history import History, history
from .images import Image, publish, resolve
from .names import Names
from .provision import Settings, provision
from .report import Report
from .rollback import Back, rollback
from .status import Status, status

__all__ = [
    "Aws",
    "Back",
    "Clock",
    "CutoverDeployError",
    "History",
    "Image",
    "Names",
    "Order",
    "Report",
    "Settings",
    "Status",
    "connect",
    "deploy",
    "history",
    "provision",
    "publish",
    "resolve",
    "rollback",
    "status",
]
