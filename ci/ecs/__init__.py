"""The deployer: publishes images, provisions stacks, and shepherds ECS's own blue/green deployments.

It runs inside the deploy container as ``python -m ci.ecs``; boto3 is all it needs, and of `ci` it imports nothing else.
ECS keeps all state: started again at any moment, by anyone, it finds the deployment under way and takes it over.
"""
