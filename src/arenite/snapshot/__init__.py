"""Snapshots as files: frozen machines written so that another process, machine or version of arenite can go on from them.

    manifest   everything but the bytes of arena and memories, as JSON that is checked when it is read
    travel     a frozen machine <-> a manifest
    code       bytecode that travels along, for versions that would translate the module otherwise
    container  a file of sections: header, checksums, written aside and renamed
    image      the form that is mapped back: pages at their places, and deltas of it
    pack       the form that is shipped: compressed chunks, found by their content

The format is described in docs/snapshot-format.md.
"""
