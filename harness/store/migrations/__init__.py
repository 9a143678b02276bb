"""How the tables came to be, one script a change (alembic)."""
