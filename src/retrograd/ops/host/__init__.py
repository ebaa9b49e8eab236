"""Ops that run Python: functions of the program, checks, printing."""
