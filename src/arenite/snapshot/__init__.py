"""Snapshots as files: frozen machines written so that another process, machine or version of arenite can go on from them.

    travel     a frozen machine as a manifest, and back: everything but the bytes of arena and memories
    checked    reading a manifest: each value has its kind and range, or an error names the place
    values     types and states as JSON
    layout     what the arena's records are known by
    code       bytecode that travels along, for versions that would translate the module otherwise
    container  a file of sections: header, checksums, written aside and renamed
    pages      the form that is mapped back: pages at their places; and deltas of it
    pack       the form that is shipped: compressed chunks, found by their content
    saving     a file of any form written, opening the way back; file: what is known of one

The format is described in docs/snapshot-format.md.
"""
