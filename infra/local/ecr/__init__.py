"""ECR over a real registry: what is pushed appears in moto's records, under ECR's rules."""
