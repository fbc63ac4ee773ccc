"""The machine: the cage and what lives in it, the code window, instances, and the loop that runs them on a tier."""
