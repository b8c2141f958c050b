"""Pages of saved questions."""
