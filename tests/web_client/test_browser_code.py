"""The browser code that needs no browser, run by node; and what all static files must keep to."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

WEB_CLIENT = Path(__file__).parents[2] / "web_client"
HERE = Path(__file__).parent
PAGES = sorted(WEB_CLIENT.glob("*.html"))
SCRIPTS = sorted(WEB_CLIENT.rglob("*.js"))
DOM_FREE = (
    "protocol.js",
    "gatekeeper_api.js",
    "event_channel.js",
    "roster.js",
    "reconnect.js",
    "codecs.js",
    "i18n/en.js",
    "i18n/zh.js",
)


def test_browser_code_passes_under_node() -> None:
    node = shutil.which("node")
    assert node is not None, "node is needed; it comes with npm, which installs the browser-side dependencies"
    files = sorted(str(path) for path in HERE.glob("*.test.mjs"))
    assert files
    result = subprocess.run([node, "--test", *files], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]


def test_types_in_comments_hold() -> None:
    compiler = WEB_CLIENT.parent / "node_modules/.bin/tsc"
    if not compiler.exists():
        pytest.skip("the TypeScript compiler is not among the installed npm packages")
    result = subprocess.run(
        [compiler, "-p", HERE / "tsconfig.json"], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stdout[-8000:]


class Page(HTMLParser):
    """What the tests want to know of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labels: set[str] = set()
        self.fields: list[tuple[str, dict[str, str | None]]] = []
        self.addresses: list[str] = []
        self.forbidden: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if (found := values.get("id")) is not None:
            self.ids.append(found)
        if tag == "label" and (target := values.get("for")) is not None:
            self.labels.add(target)
        if tag in ("input", "select") and values.get("type") != "checkbox":  # those stand inside their labels
            self.fields.append((tag, values))
        for name in ("src", "href"):
            if (address := values.get(name)) is not None:
                self.addresses.append(address)
        if tag == "style" or (tag == "script" and "src" not in values):
            self.forbidden.append(f"inline <{tag}>")
        self.forbidden += [f"{tag} {name}" for name in values if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page_works_under_a_strict_content_security_policy(path: Path) -> None:
    page = Page(path)
    assert page.forbidden == []
    assert all(address.startswith(("/", "#")) for address in page.addresses), "nothing comes from elsewhere"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page_has_unique_ids_and_a_label_for_every_field(path: Path) -> None:
    page = Page(path)
    assert sorted(page.ids) == sorted(set(page.ids))
    for tag, values in page.fields:
        assert values.get("id") in page.labels or "data-i18n-label" in values, f"{tag} {values.get('id')} has no label"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_files_that_a_page_names_are_there(path: Path) -> None:
    for address in Page(path).addresses:
        if address.startswith("/static/"):
            assert (WEB_CLIENT / address.removeprefix("/static/").partition("#")[0]).is_file(), address


def test_icons_that_are_named_are_there() -> None:
    there = set(re.findall(r'<symbol id="([^"]+)"', (WEB_CLIENT / "images/icons.svg").read_text("utf-8")))
    sources = [path.read_text("utf-8") for path in (*SCRIPTS, *PAGES)]
    named = {
        name
        for text in sources
        for name in re.findall(r'icons\.svg#([a-z-]+)"|icon\("([a-z-]+)"', text)
        for name in name
    }
    assert {name for name in named if name} <= there


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_script_puts_no_markup_into_pages(path: Path) -> None:
    text = path.read_text("utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert word not in text, word


@pytest.mark.parametrize("name", DOM_FREE)
def test_protocol_code_never_touches_the_page(name: str) -> None:
    code = re.sub(r"//.*|/\*[\s\S]*?\*/", "", (WEB_CLIENT / name).read_text("utf-8"))
    assert not re.search(r"\b(document|window|localStorage|HTMLElement|navigator)\b", code)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_script_is_short_enough_to_be_read(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 450
