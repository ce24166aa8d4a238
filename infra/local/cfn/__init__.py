"""CloudFormation on this machine: templates, stacks and change sets of our own over moto's resources and our ECS."""
