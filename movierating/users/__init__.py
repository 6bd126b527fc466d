"""Sign-up, profiles, a user's ratings, and the administration of accounts.

May import `ratings`, `movies`, `auth` and everything below them.
Public modules: `routes`, `schemas`, `service`, `own_account`, `administration`, `rating_history`, `statistics`,
`comparison`.
Begin with `routes.py`, then `service.py` (accounts) and `rating_history.py` (the list of a user's ratings).
"""
