"""What people and programs get to see of a run: progress line, table, summary, JSON Lines, CSV."""
