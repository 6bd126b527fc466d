"""The database: transactions, compiled statements, pagination, cache versions and storage errors.

May import `monitoring` and the modules at the package's root. Begin with `database.py`.
Public modules: `database`, `statements`, `pagination`, `dialect`, `cache_versions`, `listed_movies`, `storage_errors`.
"""
