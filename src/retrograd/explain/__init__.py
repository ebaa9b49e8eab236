"""What a backpropagation did and why, in words, formulas and pages."""
