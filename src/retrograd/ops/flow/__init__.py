"""Control flow: order, branches, loops, calls of functions."""
