"""The database: engine, tables, migrations and queries. It knows no rule."""
