"""The load balancer's data plane: ELBv2's records, kept by moto, made true in HAProxy."""
