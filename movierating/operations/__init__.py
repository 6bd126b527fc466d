"""Running the service: server, startup, health, checks, backup and restore, migration to PostgreSQL.

May import the features, `http`, `storage` and below. Its public modules are `server`, `startup`, `health`, `checks`,
`backups`, `backup_schedule`, `pg_backup` and `pg_migration`. Start with `startup.py`, then `server.py`.
"""
