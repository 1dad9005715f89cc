"""Measurements that anyone can repeat; each module is run as `python -m benchmarks.<name>`."""
