"""Many runs in one device program: arrays and records in, arrays and records out."""
