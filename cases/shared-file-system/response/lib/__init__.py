"""A shared file system and its backups."""
