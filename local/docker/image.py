"""Lay Lambda's Python runtime into a root file system: the body of the stand-in base image.

Run by ``ci-setup.sh`` with the project's own interpreter. It copies the CPython that this script
runs on (whatever installed it: a distribution, pyenv, uv) to ``/var/lang``, and installs the
runtime interface client and boto3 to ``/var/runtime``, which is where AWS's own base image has
them. Standard library only, since it may run before the project's packages are there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Part of glibc, or the loader itself: these must be the root file system's own, since a loader
# and a libc of two releases do not work together. Both come from one release of the distribution
# here (ci-setup.sh bootstraps the machine's own), so everything else may be copied over.
_SYSTEM_LIBRARY = re.compile(
    r"^(ld-linux|libc|libm|libmvec|libpthread|libdl|librt|libutil|libresolv|libnsl|libanl)\b"
)
# Not on Lambda, or of no use there; a third of the standard library's size.
_LEFT_OUT = ("test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip")
_IGNORED = shutil.ignore_patterns(
    "__pycache__",
    "site-packages",
    "dist-packages",
    "config-*",
    "_tkinter*",
    "_test*",
    "*.a",
    *_LEFT_OUT,
)


def shared_libraries(binaries: Iterable[Path]) -> dict[str, Path]:
    """Return the shared libraries that some binaries need, except those of glibc.

    Parameters
    ----------
    binaries
        Executables and extension modules of this machine.

    Returns
    -------
    dict of str to Path
        The library's name as the loader asks for it, and the file it resolves to here.

    Raises
    ------
    FileNotFoundError
        A binary needs a library that this machine does not have.
    """
    found: dict[str, Path] = {}
    for binary in binaries:
        listing = subprocess.run(
            ["ldd", str(binary)], capture_output=True, text=True, check=False
        ).stdout
        for name, target in re.findall(r"^\s*(\S+) => (.+?)(?: \(0x[0-9a-f]+\))?$", listing, re.M):
            if _SYSTEM_LIBRARY.match(name):
                continue
            if target == "not found":
                raise FileNotFoundError(f"{binary.name} needs {name}, which is not on this machine")
            found[name] = Path(target).resolve()
    return found


def copy_python(root: Path) -> Path:
    """Copy the running CPython to ``/var/lang`` of a root file system.

    Parameters
    ----------
    root
        The root file system's folder.

    Returns
    -------
    Path
        The copied executable.

    Raises
    ------
    FileNotFoundError
        An extension module needs a library that this machine does not have.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    lang = root / "var" / "lang"
    library = lang / "lib" / version
    executable = lang / "bin" / version
    executable.parent.mkdir(parents=True)
    # A virtual environment's interpreter is a link to the one it was made from.
    shutil.copy2(Path(sys.executable).resolve(), executable)
    for alias in ("python3", "python"):
        (lang / "bin" / alias).symlink_to(version)
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=_IGNORED, symlinks=False)
    (library / "site-packages").mkdir()
    modules = sorted((library / "lib-dynload").glob("*.so"))
    for name, source in shared_libraries([Path(sys.executable).resolve(), *modules]).items():
        shutil.copy2(source, lang / "lib" / name)
    return executable


def install_runtime(root: Path) -> None:
    """Install the runtime interface client, boto3 and the bootstrap script to ``/var/runtime``.

    Parameters
    ----------
    root
        The root file system's folder.

    Raises
    ------
    subprocess.CalledProcessError
        pip could not install the locked packages.
    """
    runtime = root / "var" / "runtime"
    runtime.mkdir(parents=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-compile", "--no-deps", "--require-hashes", "--only-binary", ":all:",
         "--target", str(runtime), "--requirement", str(HERE / "requirements.txt")],
        check=True,
    )  # fmt: skip
    shutil.copy2(HERE / "bootstrap", runtime / "bootstrap")
    for folder in ("task", "rapid"):
        (root / "var" / folder).mkdir(exist_ok=True)
    (root / "opt").mkdir(exist_ok=True)


def main() -> int:
    """Fill the root file system named on the command line; returns the exit code."""
    root = Path(sys.argv[1])
    copy_python(root)
    install_runtime(root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
