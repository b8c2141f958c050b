"""What people's verdicts make of a statement: a pure rule, and the policy that it follows."""
