"""Ways to run bytecode, one package each; all agree on every value, trap and unit of fuel.

`safe` is pure Python on memoryviews: no address, no machine code; the oracle for the others.
`threaded` is an interpreter of machine code, generated from the table of ops.
`baseline` is that, with functions compiled by copy-and-patch: all of them, or (`auto`) those that turn out to run much.
"""
