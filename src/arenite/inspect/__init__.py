"""Looking into modules and into snapshots' files without running, or trusting, anything of them.

    module     what is in a module; `features`, which of WebAssembly's it uses
    files      what a file is
    snapshot   opening a snapshot's file, to look at everything in it
    roots      what the manifest says lies in the arena, as far as it can be read
    arena      the arena of an image, and what numbers in it mean
    records    what a survey consists of
    survey     the records that lie there, with their fields and where those lead; `records`, the bytes they are made of
    stack      where its executions stand: frames, with their live slots
    picture    the same in cells, with the state of the pages
    kinds      the kinds of what is found
    cache      the user's cache: what lies there
    facts      what there is to say of a snapshot, in words; `words`, types and counts

Nothing here needs an import of the guest, and without its modules a snapshot is still told, but for names and frames.
"""
