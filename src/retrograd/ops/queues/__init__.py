"""Queues and accumulators: what threads hand to each other between runs."""
