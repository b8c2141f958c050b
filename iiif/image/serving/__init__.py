"""What a GET becomes: what is asked, who may see it, and the bytes that answer, kept or made."""
