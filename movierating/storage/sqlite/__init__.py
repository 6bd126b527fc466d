"""SQLite: connections, the queue of writers, and the files beside the database.

May import the modules of `storage` that know no database, and below. Public modules: `engine`, `instance_lock`.
Begin with `engine.py`, then `write_queue.py`.
"""
