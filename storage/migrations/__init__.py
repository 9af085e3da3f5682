"""Migrations, newest last; they only add, and are never edited once released."""
