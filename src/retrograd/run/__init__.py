"""Running graphs: plans, the NumPy tier, the XLA tier, sessions."""
