"""Storage of rate limits, in SQLite or Redis. Public: `sqlite_storage`, `redis_storage`, `redis_client`.

May import only the modules at the package's root; the limits themselves are set in `auth/limits.py`.
Begin with `sqlite_storage.py`, which is used unless `MOVIERATING_REDIS_URL` is set.
"""
