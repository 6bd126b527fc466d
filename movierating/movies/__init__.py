"""Movies: their facts, search, charts and genres, and the matching of rows in files to them.

May import `http`, `auth`, `storage` and the modules at the root. Public: `models`, `service`, `search_index`,
`index_repair`, `matching`, `titles`, `genres`, `schemas`, `seed`. Begin with `routes`, then `service` and `search`.
"""
