"""Leaderboards: entries that people submit, and the pages made of them."""
