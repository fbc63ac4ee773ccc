from __future__ import annotations

import re

import pytest
import wasmtime

from arenite.wasi import WasiConfig
from arenite.wasi.abi import RESULTS
from arenite.wasi.preview1 import MODULE, ROWS, TABLE, UNSTABLE_MODULE, Function

# The functions of wasi_snapshot_preview1.witx, with the wasm types of their parameters: i is i32, I is i64.
WITX = """
args_get ii                  args_sizes_get ii            environ_get ii               environ_sizes_get ii
clock_res_get ii             clock_time_get iIi           fd_advise iIIi               fd_allocate iII
fd_close i                   fd_datasync i                fd_fdstat_get ii             fd_fdstat_set_flags ii
fd_fdstat_set_rights iII     fd_filestat_get ii           fd_filestat_set_size iI      fd_filestat_set_times iIIi
fd_pread iiiIi               fd_prestat_get ii            fd_prestat_dir_name iii      fd_pwrite iiiIi
fd_read iiii                 fd_readdir iiiIi             fd_renumber ii               fd_seek iIii
fd_sync i                    fd_tell ii                   fd_write iiii                path_create_directory iii
path_filestat_get iiiii      path_filestat_set_times iiiiIIi                           path_link iiiiiii
path_open iiiiiIIii          path_readlink iiiiii         path_remove_directory iii    path_rename iiiiii
path_symlink iiiii           path_unlink_file iii         poll_oneoff iiii             proc_exit i
proc_raise i                 sched_yield -                random_get ii                sock_accept iii
sock_recv iiiiii             sock_send iiiii              sock_shutdown ii
"""
SIGNATURES = dict(re.findall(r"(\w+) ([iI]+|-)", WITX))


def letters(row: Function) -> str:
    return "".join({"i32": "i", "i64": "I"}[word] for word in row.words) or "-"


def test_the_table_is_the_standard() -> None:
    assert {row.name: letters(row) for row in ROWS} == SIGNATURES
    assert len(ROWS) == 46


def test_an_outside_engine_links_the_same_types() -> None:
    imports = "\n".join(
        f'(import "{MODULE}" "{row.name}" (func (param {" ".join(row.words)}) (result {" ".join(row.returns)})))' for row in ROWS
    )
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    store.set_wasi(wasmtime.WasiConfig())
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    linker.instantiate(store, wasmtime.Module(engine, f"(module {imports})"))  # raises if a type differs


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row(row: Function) -> None:
    assert row.doc.endswith(".") or ":" in row.doc
    assert len(row.rights) == sum(kind == "fd" for _, kind in row.parameters)
    assert all(kind in RESULTS for _, kind in row.results)


def test_host_module_knows_its_functions_alone() -> None:
    host = WasiConfig().open()
    assert all(host.function(MODULE, name) for name in TABLE)
    assert host.function(MODULE, "fd_frobnicate") is None
    assert host.function("env", "fd_read") is None


def test_unstable_has_what_has_the_same_layout() -> None:
    host = WasiConfig().open()
    missing = {name for name in TABLE if host.function(UNSTABLE_MODULE, name) is None}
    assert missing == {"fd_seek", "fd_filestat_get", "path_filestat_get", "poll_oneoff", "sock_accept"}
