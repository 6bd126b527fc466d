"""The database layer: transactions, compiled statements, pagination, cache versions and storage errors.

It imports `monitoring`, `errors` and below, no feature and no Flask request. Begin with `database`.
Public modules: `database`, `statements`, `pagination`, `dialect`, `cache_versions`, `storage_errors`.
"""
