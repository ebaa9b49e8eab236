"""Writes the pages in `pages`: `python examples/write_pages.py [FOLDER]`.

Each is one file that needs no network; open it in a browser.
"""

import contextlib
import io
import os
import runpy
import sys
from pathlib import Path

import retrograd

HERE = Path(__file__).resolve().parent
#: for each page a program beside this one, and its explanation's name there
PAGES = {
    "cosine": ("explain_cosine.py", "explained"),
    "convolution": ("explain_convolution.py", "explained"),
    "lstm": ("explain_lstm.py", "weights"),
}


def main() -> None:
    retrograd.install()
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else HERE / "pages"
    folder.mkdir(exist_ok=True)
    os.chdir(HERE)  # pages name the files of their programs
    for page, (program, name) in PAGES.items():
        with retrograd.Graph().as_default(), contextlib.redirect_stdout(io.StringIO()):
            explained = runpy.run_path(program)[name]
        explained.save(folder / f"{page}.html")
        print(f"wrote {page}.html")


if __name__ == "__main__":
    main()
