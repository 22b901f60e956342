"""What passes between the rooms of recbench: records, specs, protocols, hooks and errors."""
