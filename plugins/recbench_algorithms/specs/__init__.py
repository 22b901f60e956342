"""What the built-in algorithms say about themselves, by family; nothing here imports what they need to run."""
