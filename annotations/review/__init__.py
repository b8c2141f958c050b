"""What people think of statements: verdicts on a version, corrections, proposals by state, history, restoration."""
