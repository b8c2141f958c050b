"""Backup: a hub as one file, and back. write.py makes it, restore.py reads it, before_migration.py keeps copies of databases."""
