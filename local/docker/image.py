"""Fill a folder with Lambda's Python runtime: the root file system of the stand-in base image.

Run by ``ci-setup.sh`` with the project's own interpreter. Everything in it comes from this
machine: a shell and the few tools that SAM's build steps call, the CPython that this script runs
on (whatever installed it: a distribution, pyenv, uv) and every shared library that these need,
found as the loader finds them. So the C library is the one they were linked against, and nothing
but the two packages of ``requirements.txt`` is downloaded. The layout is that of AWS's own image:
``/var/lang`` the interpreter, ``/var/runtime`` the runtime interface client and boto3.

Standard library only.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"

# What SAM's generated Dockerfile and ``bootstrap`` call, and what helps to look around.
_TOOLS = ("sh", "chmod", "cp", "mkdir", "mv", "rm", "cat", "env", "ls", "sleep")
# No tool or module names these, but layers with compiled code expect them on Lambda.
_EXPECTED = ("libgcc_s.so.1", "libstdc++.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0")
# Not on Lambda, or of no use there; a third of the standard library's size.
_LEFT_OUT = shutil.ignore_patterns(
    "site-packages",
    "dist-packages",
    "config-*",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "test",
    "tests",
    "tkinter",
    "turtledemo",
    "_test*",
    "_tkinter*",
    "*.a",
    "*.opt-[12].pyc",
)


class Unusable(Exception):
    """This machine lacks something that the image needs; the text names it."""


def shared_libraries(binaries: Iterable[Path]) -> set[Path]:
    """Return the shared libraries that some binaries need, the loader among them.

    Parameters
    ----------
    binaries
        Executables and extension modules of this machine.

    Returns
    -------
    set of Path
        Under the names by which the loader asks for them (links are not resolved).

    Raises
    ------
    Unusable
        A binary needs a library that this machine does not have.
    """
    found: set[Path] = set()
    for binary in binaries:
        listing = subprocess.run(
            ["ldd", str(binary)],  # noqa: S607 -- where it is differs
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        missing = re.search(r"^\s*(\S+) => not found", listing, re.M)
        if missing:
            raise Unusable(f"{binary.name} needs {missing[1]}, which is not on this machine")
        found.update(Path(path) for path in re.findall(r"(/\S+) \(0x[0-9a-f]+\)", listing))
    return found


def expected_libraries(there: Iterable[str]) -> set[Path]:
    """Return the libraries that compiled packages take for granted, as the loader finds them.

    Parameters
    ----------
    there
        Names of those that need not be looked for.
    """
    found: set[Path] = set()
    for name in set(_EXPECTED).difference(there):
        try:
            ctypes.CDLL(name)
        except OSError:
            continue  # newer C libraries have no such part, and not every machine has C++
        maps = Path("/proc/self/maps").read_text()
        # The map shows what a link leads to, such as libstdc++.so.6.0.30.
        for path in re.findall(rf"(/\S*/{re.escape(name)})(?:\.\S+)?$", maps, re.M):
            found.add(Path(path))
    return found


def copy_libraries(root: Path, libraries: Iterable[Path]) -> None:
    """Copy shared libraries into a root file system, links as files.

    Parameters
    ----------
    root
        The root file system's folder.
    libraries
        Paths on this machine. They are the same in the image, where the loader knows them; those
        of an interpreter that was installed apart go where it goes.
    """
    base = Path(sys.base_prefix).resolve()
    for library in libraries:
        apart = base != Path("/usr") and library.resolve().is_relative_to(base)
        target = root / (f"var/lang/lib/{library.name}" if apart else library.relative_to("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy2(library, target)


def copy_tools(root: Path) -> None:
    """Copy the shell and the few tools to ``/bin``, with a minimal ``/etc``.

    Parameters
    ----------
    root
        The root file system's folder.

    Raises
    ------
    Unusable
        A tool is not on this machine.
    """
    (root / "bin").mkdir(parents=True)
    tools: list[Path] = []
    for name in _TOOLS:
        source = shutil.which(name)
        if source is None:
            raise Unusable(f"{name} is not on this machine")
        tools.append(Path(source))
        shutil.copy2(source, root / "bin" / name)
    copy_libraries(root, shared_libraries(tools))
    for folder in ("etc", "opt", "root", "tmp", "usr/bin", "var/rapid", "var/task"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc" / "group").write_text("root:x:0:\n")


def copy_python(root: Path) -> None:
    """Copy the running CPython to ``/var/lang`` of a root file system.

    Parameters
    ----------
    root
        The root file system's folder.

    Raises
    ------
    Unusable
        An extension module needs a library that this machine does not have.
    """
    lang = root / "var" / "lang"
    library = lang / "lib" / VERSION
    # A virtual environment's interpreter is a link to the one it was made from.
    executable = Path(sys.executable).resolve()
    (lang / "bin").mkdir(parents=True)
    shutil.copy2(executable, lang / "bin" / VERSION)
    for alias in ("python3", "python"):
        (lang / "bin" / alias).symlink_to(VERSION)
    # Times are kept, so the compiled files that lie beside the modules stay valid.
    shutil.copytree(
        sysconfig.get_path("stdlib"), library, ignore=_LEFT_OUT, ignore_dangling_symlinks=True
    )
    (library / "site-packages").mkdir()
    copy_libraries(root, shared_libraries([executable, *library.glob("lib-dynload/*.so")]))


def install_runtime(root: Path) -> None:
    """Install the runtime interface client, boto3 and the bootstrap script to ``/var/runtime``.

    Parameters
    ----------
    root
        The root file system's folder.

    Raises
    ------
    Unusable
        pip could not install the locked packages; its own words are on stderr.
    """
    runtime = root / "var" / "runtime"
    runtime.mkdir(parents=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    pip += ["--target", str(runtime), "--requirement", str(HERE / "requirements.txt")]
    if subprocess.run(pip, check=False).returncode != 0:
        raise Unusable("pip could not install local/docker/requirements.txt")
    copy_libraries(root, shared_libraries(runtime.rglob("*.so")))
    shutil.copy2(HERE / "bootstrap", runtime / "bootstrap")


def main() -> int:
    """Fill the folder named on the command line; returns the exit status."""
    root = Path(sys.argv[1])
    try:
        copy_tools(root)
        copy_python(root)
        install_runtime(root)
        copy_libraries(root, expected_libraries(path.name for path in root.rglob("*.so.*")))
    except (OSError, Unusable) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
