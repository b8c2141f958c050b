"""Pages of one statement: its history."""
