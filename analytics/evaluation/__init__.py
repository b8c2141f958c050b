"""How good the steps are, measured on images whose truth is known."""
