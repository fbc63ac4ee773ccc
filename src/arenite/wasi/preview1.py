"""The table of preview 1: every function, its signature and the rights it needs.  Everything else is derived from a row.

- The signature is in the standard's types (`abi`); each result is an address that the guest passes behind the parameters.
- `rights` are those needed on the parameters of type `fd`, in their order.  What depends on other parameters the call checks itself.
- `unstable`: the older `wasi_unstable` has the function with the same layout.
- The name and the description are those of the function that does it.

    TABLE["fd_read"].words      # ("i32", "i32", "i32", "i32")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from arenite.light import NamedTuple
from arenite.wasi import fd, path, poll, process, sock
from arenite.wasi.abi import PARAM_TYPES
from arenite.wasi.records import NO_RIGHTS, Rights

MODULE = "wasi_snapshot_preview1"
UNSTABLE_MODULE = "wasi_unstable"

Call: TypeAlias = Callable[..., object]  # type: ignore[explicit-any]  # the functions differ in arity


class Function(NamedTuple):
    """One function: `call` does it, `signature` is "name:type … -> name:type …"."""

    call: Call
    signature: str
    rights: tuple[Rights, ...] = ()
    unstable: bool = True

    @property
    def name(self) -> str:
        """The name that guests import."""
        return self.call.__name__

    @property
    def doc(self) -> str:
        """What it does, in a sentence."""
        return (self.call.__doc__ or "").partition("\n")[0]

    @property
    def parameters(self) -> tuple[tuple[str, str], ...]:
        """Name and type of each parameter."""
        return self._side(0)

    @property
    def results(self) -> tuple[tuple[str, str], ...]:
        """Name and type of each result beside the error code."""
        return self._side(1)

    def _side(self, side: int) -> tuple[tuple[str, str], ...]:
        pairs = [entry.partition(":") for entry in f"{self.signature} -> ".split("->")[side].split()]
        return tuple((name, kind) for name, _, kind in pairs)

    @property
    def words(self) -> tuple[str, ...]:
        """The wasm types of the parameters, the results' addresses included."""
        words = [word for _, kind in self.parameters for word in (("i32",) if kind == "fd" else PARAM_TYPES[kind].words)]
        return (*words, *("i32" for _ in self.results))

    @property
    def returns(self) -> tuple[str, ...]:
        """The wasm types of the results: the error code, if the function returns at all."""
        return () if self.call is process.proc_exit else ("i32",)


ROWS = (
    Function(process.args_get, "argv:pointer argv_buf:pointer"),
    Function(process.args_sizes_get, "-> argc:size argv_buf_size:size"),
    Function(process.environ_get, "environ:pointer environ_buf:pointer"),
    Function(process.environ_sizes_get, "-> environc:size environ_buf_size:size"),
    Function(process.clock_res_get, "id:clockid -> resolution:timestamp"),
    Function(process.clock_time_get, "id:clockid precision:timestamp -> time:timestamp"),
    Function(fd.fd_advise, "fd:fd offset:filesize len:filesize advice:advice", (Rights.FD_ADVISE,)),
    Function(fd.fd_allocate, "fd:fd offset:filesize len:filesize", (Rights.FD_ALLOCATE,)),
    Function(fd.fd_close, "fd:handle"),
    Function(fd.fd_datasync, "fd:fd", (Rights.FD_DATASYNC,)),
    Function(fd.fd_fdstat_get, "fd:fd -> stat:fdstat", (NO_RIGHTS,)),
    Function(fd.fd_fdstat_set_flags, "fd:fd flags:fdflags", (Rights.FD_FDSTAT_SET_FLAGS,)),
    Function(fd.fd_fdstat_set_rights, "fd:fd fs_rights_base:rights fs_rights_inheriting:rights", (NO_RIGHTS,)),
    Function(fd.fd_filestat_get, "fd:fd -> buf:filestat", (Rights.FD_FILESTAT_GET,), unstable=False),
    Function(fd.fd_filestat_set_size, "fd:fd size:filesize", (Rights.FD_FILESTAT_SET_SIZE,)),
    Function(fd.fd_filestat_set_times, "fd:fd atim:timestamp mtim:timestamp fst_flags:fstflags", (Rights.FD_FILESTAT_SET_TIMES,)),
    Function(fd.fd_pread, "fd:fd iovs:iovec_array offset:filesize -> nread:size", (Rights.FD_READ | Rights.FD_SEEK,)),
    Function(fd.fd_prestat_get, "fd:fd -> buf:prestat", (NO_RIGHTS,)),
    Function(fd.fd_prestat_dir_name, "fd:fd path:buffer", (NO_RIGHTS,)),
    Function(fd.fd_pwrite, "fd:fd iovs:ciovec_array offset:filesize -> nwritten:size", (Rights.FD_WRITE | Rights.FD_SEEK,)),
    Function(fd.fd_read, "fd:fd iovs:iovec_array -> nread:size", (Rights.FD_READ,)),
    Function(fd.fd_readdir, "fd:fd buf:buffer cookie:dircookie -> bufused:size", (Rights.FD_READDIR,)),
    Function(fd.fd_renumber, "fd:handle to:handle"),
    Function(fd.fd_seek, "fd:fd offset:filedelta whence:whence -> newoffset:filesize", (Rights.FD_SEEK,), unstable=False),
    Function(fd.fd_sync, "fd:fd", (Rights.FD_SYNC,)),
    Function(fd.fd_tell, "fd:fd -> offset:filesize", (Rights.FD_TELL,)),
    Function(fd.fd_write, "fd:fd iovs:ciovec_array -> nwritten:size", (Rights.FD_WRITE,)),
    Function(path.path_create_directory, "fd:fd path:string", (Rights.PATH_CREATE_DIRECTORY,)),
    Function(
        path.path_filestat_get, "fd:fd flags:lookupflags path:string -> buf:filestat", (Rights.PATH_FILESTAT_GET,), unstable=False
    ),
    Function(
        path.path_filestat_set_times,
        "fd:fd flags:lookupflags path:string atim:timestamp mtim:timestamp fst_flags:fstflags",
        (Rights.PATH_FILESTAT_SET_TIMES,),
    ),
    Function(
        path.path_link,
        "old_fd:fd old_flags:lookupflags old_path:string new_fd:fd new_path:string",
        (Rights.PATH_LINK_SOURCE, Rights.PATH_LINK_TARGET),
    ),
    Function(
        path.path_open,
        "fd:fd dirflags:lookupflags path:string oflags:oflags fs_rights_base:rights fs_rights_inheriting:rights fdflags:fdflags"
        " -> opened_fd:fd",
        (Rights.PATH_OPEN,),
    ),
    Function(path.path_readlink, "fd:fd path:string buf:buffer -> bufused:size", (Rights.PATH_READLINK,)),
    Function(path.path_remove_directory, "fd:fd path:string", (Rights.PATH_REMOVE_DIRECTORY,)),
    Function(
        path.path_rename,
        "fd:fd old_path:string new_fd:fd new_path:string",
        (Rights.PATH_RENAME_SOURCE, Rights.PATH_RENAME_TARGET),
    ),
    Function(path.path_symlink, "old_path:string fd:fd new_path:string", (Rights.PATH_SYMLINK,)),
    Function(path.path_unlink_file, "fd:fd path:string", (Rights.PATH_UNLINK_FILE,)),
    Function(poll.poll_oneoff, "in:pointer out:pointer nsubscriptions:size -> nevents:size", unstable=False),
    Function(process.proc_exit, "rval:exitcode"),
    Function(process.proc_raise, "sig:signal"),
    Function(process.sched_yield, ""),
    Function(process.random_get, "buf:buffer"),
    Function(sock.sock_accept, "fd:fd flags:fdflags -> result_fd:fd", (NO_RIGHTS,), unstable=False),
    Function(sock.sock_recv, "fd:fd ri_data:iovec_array ri_flags:riflags -> ro_datalen:size ro_flags:roflags", (NO_RIGHTS,)),
    Function(sock.sock_send, "fd:fd si_data:ciovec_array si_flags:siflags -> so_datalen:size", (NO_RIGHTS,)),
    Function(sock.sock_shutdown, "fd:fd how:sdflags", (NO_RIGHTS,)),
)

TABLE = {row.name: row for row in ROWS}
