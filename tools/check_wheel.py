"""Builds the package and uses it as somebody who has installed it.

    python tools/check_wheel.py

The source distribution is built, and the wheel from it. The wheel has to hold every
file of `src/retrograd`; it goes into an empty environment, and there, in a folder
outside the checkout, every module imports, an example runs, a page is written, and the
README's programs and commands print what the README says.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "retrograd"
#: pages whose programs and commands are run: between them they use every data file
#: that a program is likely to touch
PAGES = ("README.md", "docs/diagnosis.md")
EVERY_MODULE = """
import importlib, pkgutil, sys, retrograd
for module in pkgutil.walk_packages(retrograd.__path__, "retrograd."):
    try:
        importlib.import_module(module.name)
    except ImportError as error:  # what an extra brings is asked for by its name;
        # old names of scikit-learn are for programs that import it
        if "pip install retrograd[" not in str(error) and error.name != "sklearn":
            raise
print(retrograd.__file__)
"""


def not_packed(wheel: Path, package: Path) -> list[str]:
    """The files of a package's folder that its wheel does not hold, or holds changed.

    Args:
      wheel: the file.
      package: the folder that the wheel should hold under the folder's name.
    """
    with zipfile.ZipFile(wheel) as archive:
        packed = {
            name: archive.read(name)
            for name in archive.namelist()
            if name.startswith(f"{package.name}/")
        }
    return [
        name
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
        if packed.get(name := path.relative_to(package.parent).as_posix())
        != path.read_bytes()
    ]


def build(folder: Path) -> tuple[Path, Path]:
    """Build both distributions into a folder: the source's archive, and the wheel."""
    command = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return source, wheel


def install(wheel: Path, folder: Path) -> Path:
    """Make an environment that holds a wheel and what it requires; its `bin`."""
    venv.create(folder, with_pip=False)
    binaries = folder / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(binaries / "python")]
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *quiet, str(wheel)], check=True)
    return binaries


class User:
    """Runs commands of an environment in a folder, and reads what they print.

    Args:
      binaries: the environment's `bin`.
      folder: the current directory of the commands.
    """

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.binaries, self.folder = binaries, folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        self.environment = {**kept, "PATH": f"{binaries}{os.pathsep}{kept['PATH']}"}

    def says(self, command: str, *arguments: str, expect: str) -> None:
        """Run a command, which must succeed and print a text among others.

        Raises:
          SystemExit: it does not.
        """
        words = [str(self.binaries / command), *arguments]
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or expect not in done.stdout:
            sys.exit(
                f"{' '.join(words)}\n{done.stdout}{done.stderr}"
                f"ended with {done.returncode}; should print: {expect}"
            )


def use(binaries: Path, sources: Path, release: str) -> None:
    """Do with an installed wheel what its user does first.

    Args:
      binaries: the environment's `bin`.
      sources: the unpacked source distribution.
      release: the version that the wheel has.

    Raises:
      SystemExit: something goes wrong.
    """
    user = User(binaries, sources)
    user.says("python", "-c", EVERY_MODULE, expect=str(binaries.parent))
    user.says("retrograd", "--version", expect=f"retrograd {release}, ")
    user.says("retrograd", "run", "examples/first_program.py", expect="[ -4. -25.]")
    formula = ("explain", "x*x*y + y + 2", "x=3", "y=4", "--wrt", "x")
    user.says("retrograd", *formula, expect="∂f/∂x = ∂f/∂n1 = 12 + 12 = 24")
    user.says("retrograd", *formula, "--html", "page.html", expect="wrote page.html")
    for page in PAGES:
        user.says("python", "docs/build.py", "--check", page, expect="")


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        source, wheel = build(folder)
        if missing := not_packed(wheel, PACKAGE):
            sys.exit(f"not in {wheel.name}: {', '.join(missing)}")
        with tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
        binaries = install(wheel, folder / "environment")
        release = wheel.name.split("-")[1]
        use(binaries, folder / f"retrograd-{release}", release)
        for path in (source, wheel):
            print(f"{path.name}, {path.stat().st_size >> 10} KiB: installed, used")


if __name__ == "__main__":
    main()
