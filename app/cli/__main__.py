"""`python -m app.cli` is `lectotype`."""

from app.cli import main

main(prog_name="lectotype")
