"""AWS on this machine: `up` starts it, `status` tells what runs, `down` removes it. Errors are LocalAwsError."""

from infra.local.errors import LocalAwsError
from infra.local.lifecycle import ListenerStatus, LoadBalancerStatus, Status, down, status, up

__all__ = ["ListenerStatus", "LoadBalancerStatus", "LocalAwsError", "Status", "down", "status", "up"]
