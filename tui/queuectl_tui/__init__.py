"""The console: a full-screen operations room over the same store as the command line."""
