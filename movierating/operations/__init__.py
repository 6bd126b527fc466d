"""Running the service: server, startup, health, checks, backup and restore, migration to PostgreSQL.

May import the features, `http`, `storage` and below. Begin with `startup.py`, then `server.py`.
Public modules: `server`, `process_tuning`, `startup`, `schema_revisions`, `health`, `checks`, `backups`,
`backup_schedule`, `pg_backup`, `pg_migration`, `prediction_training`.
"""
