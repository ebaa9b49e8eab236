"""The README and the documentation: programs run, and what they print stands there."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def title(page: Path) -> str:
    return str(page.relative_to(ROOT))


def build(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "docs/build.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_a_page_is_up_to_date(page: Path) -> None:
    """Its blocks run as one program, and what that prints stands in the page."""
    done = build("--check", page)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_numbers_in_the_text_are_numbers_of_its_program(page: Path) -> None:
    """A number with a decimal point stands in a block of the page as well."""
    if page.parent.name != "tutorial":
        return
    text = page.read_text("utf-8")
    blocks = "\n".join(body for _, body in FENCED.findall(text))
    known = set(re.findall(r"\d+\.\d+", blocks))
    prose = FENCED.sub("", text)
    prose = re.sub(r"\]\([^)]*\)", "", prose)  # links
    told = set(re.findall(r"(?<![\w.])\d+\.\d+(?![\w.]*\.md)", prose))
    assert told <= known, sorted(told - known)


def anchors(page: Path) -> set[str]:
    """What a link into a page may end with: its headings, as viewers write them."""
    prose = FENCED.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def test_links_lead_somewhere() -> None:
    link = re.compile(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)")
    for page in PAGES:
        for file, anchor in link.findall(FENCED.sub("", page.read_text("utf-8"))):
            target = page.parent / file if file else page
            assert target.exists(), f"{page.name}: {file}"
            assert not anchor or anchor in anchors(target), f"{page.name}: #{anchor}"


def missing_files(text: str) -> list[str]:
    """The files of the project that a page names and that are not there."""
    named = re.findall(
        r"(?<![\w./-])(?:src|tests|docs|tools|benchmarks|examples)/[\w./-]*\w", text
    )
    return [name for name in named if not (ROOT / name).exists()]


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    assert missing_files(page.read_text("utf-8")) == []


def test_a_file_that_is_gone_is_found() -> None:
    text = "`pytest -q tests/test_docs.py tests/gone`, in `src/retrograd/gone.py`."
    assert missing_files(text) == ["tests/gone", "src/retrograd/gone.py"]


def test_translations_have_the_programs_of_their_originals() -> None:
    translations = [page for page in PAGES if ".zh." in page.name]
    assert translations
    for page in translations:
        original = page.with_name(page.name.replace(".zh.", "."))
        ours, theirs = (FENCED.findall(p.read_text("utf-8")) for p in (page, original))
        assert ours == theirs


# ---------------------------------------------------------------------- the builder

STALE = """# A page

```python
# program.py
import retrograd as tf

x = tf.constant(3.0, name="x")
explained = tf.explain(x * x, x)
print(explained.sections["sums"], explained.nodes[1].op.where)
```

<!-- output -->
```text
```

<!-- run -->
```sh
retrograd explain "x*y" x=3 y=4
```

<!-- output -->
```text
something else
```

<!-- picture explained -->
```mermaid
```

<!-- diagnoses -->
| an older | table |

<!-- diagnoses -->
The end.
"""


def test_a_page_is_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(STALE, "utf-8")
    done = build("--check", page)
    assert done.returncode == 1
    assert "+  ∂f/∂x = ∂f/∂n1 = 3 + 3 = 6 program.py:5" in done.stdout
    assert "-something else" in done.stdout
    assert page.read_text("utf-8") == STALE
    assert build(page).returncode == 0
    written = page.read_text("utf-8")
    assert "∂f/∂y = ∂f/∂n2 = 3\n" in written
    assert 'n1 -- "1 · 3 = 3" --> n2\n' in written
    assert written.count("diagnosis.md#why_none) | Why is my gradient") == 2
    assert "older" not in written and written.endswith(" |\nThe end.\n")
    assert build("--check", page).returncode == 0


@pytest.mark.parametrize(
    "text, words",
    [
        ("```python\nprint(1)\n```\n", "nothing shows what was printed last"),
        ("<!-- output -->\n```text\n1\n```\n", "an output block has nothing to show"),
        ("```python\n1 / 0\n```\n", "ZeroDivisionError"),
        ("```python\nimport warnings\nwarnings.warn('!')\n```\n", "UserWarning: !"),
        ("<!-- run -->\n```sh\nretrograd explain 'x*'\n```\n", "cannot be read"),
    ],
)
def test_what_is_no_good_page(text: str, words: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, "utf-8")
    done = build(page)
    assert done.returncode == 1
    assert words in done.stderr
    assert page.read_text("utf-8") == text


@pytest.mark.parametrize(
    "a, b, same",
    [
        ("x = 0.123456  y", "x = 0.123457 y", True),
        ("x = 1.2e-07", "x = 1.3e-07", True),
        ("x = 0.1234", "x = 0.1235", False),
        ("n1 = 3", "n2 = 3", False),
        ("x = 24", "x = 25", False),
        ("x = 24", "x = -24", False),
        ("[1, 2]", "[1, 2, 3]", False),
        ("a = 1.5", "b = 1.5", False),
        ("train.py:41", "train.py:42", False),
    ],
)
def test_what_counts_as_rounding(a: str, b: str, same: bool) -> None:
    alike = runpy.run_path(str(ROOT / "docs" / "alike.py"))["alike"]
    assert alike(a, b) is same
