"""Summaries: what a program tells of itself, and the event files that keep it."""
