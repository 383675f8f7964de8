"""Jobs in SQL. Nobody else imports a database driver."""
