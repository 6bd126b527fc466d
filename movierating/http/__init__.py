"""The parts that all API operations share: application, blueprints, parsing, responses, errors and caching.

May import `storage`, `monitoring` and below. Begin with `response_cache.py`, then `application.py`.
Public modules: `application`, `error_handlers`, `blueprint`, `cache_subjects`, `responses`, `fields`,
`openapi_components`, `openapi_document`, `extensions`, `preconditions`, `problems`, `proxies`, `public_url`,
`public_views`, `rate_limits`, `request_context`, `request_parser`, `response_cache`, `upload_slots`.
"""
