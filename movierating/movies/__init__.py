"""Movies: facts, search, charts."""
