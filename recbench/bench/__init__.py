"""From a suite to a table: samples, plans, runs, the store, agreement."""
