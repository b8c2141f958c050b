"""What tells others of what is here: activities, dumps, descriptions of the whole."""
