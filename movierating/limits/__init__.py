"""Storage of rate limits, in SQLite or Redis.

May import only the modules at the package's root. Public modules: `sqlite_storage`, `redis_storage`, `redis_client`.
Begin with `sqlite_storage.py`, which is used without `MOVIERATING_REDIS_URL`; `auth/limits.py` sets the limits.
"""
