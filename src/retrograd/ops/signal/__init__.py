"""Signals: Fourier transforms and what is made of them, windows, sound."""
