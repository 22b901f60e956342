"""Built-in datasets of recbench."""
