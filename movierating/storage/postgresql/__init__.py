"""PostgreSQL: connections, transactions, liveness of the server, and a replica for anonymous reads.

May import the modules of `storage` that know no database, and below. Public modules: `engine`, `connections`.
Begin with `engine.py`. Only `psycopg_compat.py` imports psycopg.
"""
