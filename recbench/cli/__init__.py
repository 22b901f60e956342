"""The command line: one file per command family, each thin - parse, call, print."""
