"""What every API operation shares. Public: `application`, `blueprint`, `responses`, `fields`, `openapi`, `extensions`,
`preconditions`, `proxies`, `error_handlers`, `response_cache`, `cache_validators`, `upload_slots`, `docs_page`.

May import `storage`, `monitoring` and the modules at the package's root.
Begin with `response_cache.py`, which every request passes first, then `application.py` and `blueprint.py`.
"""
