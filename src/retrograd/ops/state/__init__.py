"""Variables as ops, and the update rules of optimizers."""
