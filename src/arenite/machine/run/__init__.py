"""What runs: calls in both directions, the loop around a tier, what stops ask for, stacks and time."""
