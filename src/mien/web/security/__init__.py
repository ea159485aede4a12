"""Who may come in, and what each may see: guard, login, sessions, limits on connections, the record."""
