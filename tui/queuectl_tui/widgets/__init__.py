"""What the console draws with."""
