"""Where things are: value and function types, address spaces, the cage, and every record of the arena, each declared once."""
