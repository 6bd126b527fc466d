"""PostgreSQL: connections, transactions, liveness of the server, and a replica for anonymous reads.

It imports `storage`'s errors and cache versions, and below. Begin with `engine`. Only `psycopg_compat` imports psycopg.
Public modules for other packages: `engine`, `connections`, `replicas`.
"""
