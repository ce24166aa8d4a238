"""Resource types, by their CloudFormation name."""
