"""The store: one interface of operations, SQLite behind it; migrations, outbox, inbox, conversations, answers."""
