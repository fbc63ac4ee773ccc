"""What is made in the arena: records of memories, tables, globals, functions and instances, and their values as Python sees them."""
