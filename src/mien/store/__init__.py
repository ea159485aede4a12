"""The mood record's store: SQLite by default, PostgreSQL by URL, one code for both."""
