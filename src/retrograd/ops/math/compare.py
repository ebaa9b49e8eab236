"""Elementwise comparison, logic, tests of numbers, and arithmetic on bits."""

from __future__ import annotations

from retrograd.ops.math import overloads
from retrograd.ops.simple import binary, unary

less = binary("Less", "less")
less_equal = binary("LessEqual", "less_equal")
greater = binary("Greater", "greater")
greater_equal = binary("GreaterEqual", "greater_equal")
equal = binary("Equal", "equal")
not_equal = binary("NotEqual", "not_equal")
logical_and = binary("LogicalAnd", "logical_and")
logical_or = binary("LogicalOr", "logical_or")
logical_not = unary("LogicalNot", "logical_not")
logical_xor = overloads.logical_xor
is_nan = unary("IsNan", "is_nan")
is_inf = unary("IsInf", "is_inf")
is_finite = unary("IsFinite", "is_finite")
bitwise_and = binary("BitwiseAnd", "bitwise_and")
bitwise_or = binary("BitwiseOr", "bitwise_or")
bitwise_xor = binary("BitwiseXor", "bitwise_xor")
invert = unary("Invert", "invert")
left_shift = binary("LeftShift", "left_shift")
right_shift = binary("RightShift", "right_shift")
