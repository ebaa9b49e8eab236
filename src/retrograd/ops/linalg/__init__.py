"""Matrices: products, decompositions, systems of equations, functions of matrices."""
