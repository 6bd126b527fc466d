"""Logs, counters and metrics. Public: `logs`, `request_log`, `counters`, `metrics`.

May import only the modules at the package's root.
Begin with `request_log.py`, which logs and counts every request.
"""
