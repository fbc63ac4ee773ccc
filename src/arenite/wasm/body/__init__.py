"""The one walk over function bodies: decodes their instructions, checks their types, reports them to a `Sink`.

    walk       bodies, and which chapter an instruction belongs to
    context    what is known of the module and of the function at hand; operands that instructions have in the file
    stacks     the validator's two stacks: types of operands, open blocks

Chapters, as the standard divides instructions: `control`, `variables` (and parametric), `tables` (and references), `memory`, `numeric`.  A row in
`opcodes` says which one is an instruction's; a new chapter is a file here, a heading there, and a line in `walk`.
"""
