"""Numbers of few bits that stand for floats between two limits."""
