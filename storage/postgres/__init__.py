"""The PostgreSQL store: one database, any number of gateways that keep nothing themselves."""

from storage.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
