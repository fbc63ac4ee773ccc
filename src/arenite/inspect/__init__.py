"""Looking into a snapshot's file without running, or trusting, anything of it.

    roots      what the manifest says lies in the arena, as far as it can be read
    survey     the records that lie there, with their fields and where those lead
    stack      where its executions stand: frames, with their live slots
    picture    the same in cells, with the state of the pages
    kinds      the kinds of what is found

Nothing here needs an import of the guest, and without its modules a snapshot is still told, but for names and frames.
"""
