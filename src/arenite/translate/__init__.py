"""WebAssembly to bytecode: validated instructions in, register code for every tier out, in one pass."""
