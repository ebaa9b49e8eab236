"""Python functions as functions of a graph: traced once, called as one operation."""
