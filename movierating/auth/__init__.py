"""Logins, sessions, personal tokens and passwords.

May import `http`, `storage` and below. Public modules: `access`, `limits`, `models`, `one_time_links`,
`password_resets`, `passwords`, `private_service`, `schemas`, `service`, `tokens`.
Begin with `routes.py`, then `access.py` (which caller may call an operation), `service.py` (sessions) and
`session_tokens.py` (their JWTs).
"""
