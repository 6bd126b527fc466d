"""What every API operation shares: the application class, blueprints, parsing, responses, errors and caching.

May import `storage`, `monitoring` and below. Begin with `response_cache.py`, then `application.py`.
Public modules: `blueprint`, `responses`, `fields`, `openapi`, `openapi_document`, `extensions`,
`preconditions`, `proxies`, `response_cache`, `upload_slots`.
"""
