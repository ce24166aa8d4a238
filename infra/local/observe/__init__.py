"""CloudWatch where moto only keeps records: the load balancers' metrics, statistics of them, and alarms that fire."""
