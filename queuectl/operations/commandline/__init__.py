"""The command line as text: quoting, completion, and the words that do what the console has done."""
