"""Logins, sessions, personal tokens and passwords. Public: `access`, `limits`, `models`, `passwords`, `service`.

May import `http`, `storage`, `monitoring` and the modules at the package's root.
Begin with `routes.py`, then `access.py` (which caller may call an operation) and `service.py` (sessions).
"""
