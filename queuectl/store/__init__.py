"""The store: jobs in SQL. No other package imports a database driver."""
