"""What a job is and how it may change: standard library only, no input or output, reads no clock."""
