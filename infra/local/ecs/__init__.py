"""ECS on this machine: its API, the scheduler that keeps tasks running, and its deployment controller."""
