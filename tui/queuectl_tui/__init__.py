"""The console: a full-screen user interface over the same store as the command line."""
