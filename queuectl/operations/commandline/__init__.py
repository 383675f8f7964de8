"""The command line as text: quoting, completion, and the command line of an operation."""
