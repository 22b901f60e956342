"""Data sets: from a file or the catalogue to a split."""
