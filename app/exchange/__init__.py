"""Exchange, composed: from the database and the pictures to files, and from files into the hub."""
