"""SQLite: connections, the queue of writers, and the files beside the database.

It imports `storage`'s errors and cache versions, and below. Begin with `engine`, then `write_queue` for a write's way.
Public modules for other packages: `database_file`, `instance_lock`.
"""
