"""AutoGraph: Python's control flow as operations of a graph, where it is of tensors.

The source of a function is read (`source`), jumps in it become flags (`jumps`), its
branches and loops become functions (`statements`), its calls and logic calls of
operators (`expressions`). What the operators do depends on the values that they meet
(`branches`, `loops`, `logic`, `builtins_of`, `calls`): with tensors they make
operations, else they do what Python does.
"""
