"""Enlace's benchmarks: what an event costs in requests, capacity units, CPU and dollars.

Counts and ratios are compared with budgets; times are reported and never asserted.
Run ``python -m bench`` (all of it) or ``python -m bench --quick`` (counts only).
"""
