"""Logs, counters and metrics.

May import only the modules at the package's root. Public modules: `logs`, `request_log`, `counters`, `metrics`.
Begin with `request_log.py`, which logs and counts every request.
"""
