"""What people write on our pages: statements of their own, changed with the version in hand that they have seen."""
