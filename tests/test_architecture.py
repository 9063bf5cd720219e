"""The rules about the code itself: each names every file, and where it can the line, that breaks it."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.template.loader import get_template

ROOT = Path(settings.BASE_DIR)
SOURCE_FOLDERS = sorted({path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"})
MODULES = sorted(path for folder in [*SOURCE_FOLDERS, "tests", "bench"] for path in (ROOT / folder).rglob("*.py"))
OURS = [path for path in MODULES if path.relative_to(ROOT).parts[0] in SOURCE_FOLDERS]
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file())
ASSETS = sorted(path for path in (ROOT / "static").rglob("*") if path.is_file())
DOCUMENTS = [
    path
    for pattern in ("*", "bin/*", ".ci/*", "docs/*", "requirements/*")
    for path in sorted(ROOT.glob(pattern))
    if path.is_file() and path.name != ".git"  # in a linked worktree git's own pointer, which is never committed
]
BASE_FILES = 14
# Names that say how something is written instead of what it is about.
FORBIDDEN_NAMES = {
    "utils", "util", "helpers", "helper", "mixins", "managers", "selectors", "constants", "exceptions",
    "queue", "logging", "secrets", "license",
}  # fmt: skip
# Django's own ways to start a query or to write: a view asks a queryset for what its page is about, by name.
RAW_QUERIES = {
    "aggregate", "bulk_create", "bulk_update", "create", "delete", "exclude", "filter", "first", "get",
    "get_or_create", "in_bulk", "last", "latest", "raw", "update", "update_or_create", "values", "values_list",
}  # fmt: skip
# Models whose rows belong to somebody: a view starts from those that its person may see.
OWNED = {"Account", "Project", "Resource", "Stream", "Streamer", "Recording", "StreamSession", "Device", "Host"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


VIEWS = [path for path in OURS if path.stem in ("views", "api") or {"views", "api"} & {*path.parts}]


def nodes(path: Path, *kinds: type[ast.AST]) -> Iterator[Any]:
    """Of the module's syntax tree, those of these kinds."""
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds))


def test_no_module_is_longer_than_400_lines() -> None:
    lines = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > 400} == {}


def test_modules_are_named_after_what_they_are_about() -> None:
    parts = {name_of(path): {*path.relative_to(ROOT).with_suffix("").parts} for path in OURS}
    assert [name for name, found in parts.items() if found & FORBIDDEN_NAMES] == []


def test_views_ask_querysets_for_what_the_page_is_about() -> None:
    """Where one starts from .objects.filter(), give the queryset a method that says what is asked for."""
    wrong = []
    for path in VIEWS:
        for node in nodes(path, ast.Attribute):
            if isinstance(node.value, ast.Attribute) and node.value.attr == "objects":
                owned = isinstance(node.value.value, ast.Name) and node.value.value.id in OWNED
                if node.attr in RAW_QUERIES or (owned and node.attr not in ("visible_to", "editable_by", "named")):
                    wrong.append(f"{name_of(path)}:{node.lineno} starts from .objects.{node.attr}")
    assert wrong == []


def test_views_change_nothing_themselves() -> None:
    """Every change is a function in services."""
    writes = ("save", "delete", "bulk_create", "bulk_update")
    wrong = [
        f"{name_of(path)}:{node.lineno} calls .{node.func.attr}()"
        for path in VIEWS
        for node in nodes(path, ast.Call)
        if isinstance(node.func, ast.Attribute) and node.func.attr in writes
    ]
    assert wrong == []


def test_every_app_has_a_layer() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    layered = {name.strip("() ") for layer in contract["layers"] for name in re.split(r"[|:]", layer)}
    ours = {config.name for config in apps.get_app_configs() if Path(config.path).is_relative_to(ROOT / config.name)}
    ours |= {config.name for config in apps.get_app_configs() if (ROOT / config.name.replace(".", "/")).is_dir()}
    assert {"accounts", "audit", "agora.base"} <= ours
    assert ours <= layered, f"without a layer in pyproject.toml: {ours - layered}"


def test_every_top_module_of_the_composition_has_a_layer() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    layered = {name.strip("() ") for layer in contract["layers"] for name in re.split(r"[|:]", layer)}
    # What reads the environment and starts processes imports no app.
    alone = {"agora.settings", "agora.serve", "agora.web", "agora.worker", "agora.__init__"}
    modules = {f"agora.{path.stem}" for path in (ROOT / "agora").glob("*.py")}
    assert modules - alone <= layered, f"without a layer in pyproject.toml: {modules - alone - layered}"


def test_the_base_stays_small() -> None:
    files = [path.name for path in (ROOT / "agora" / "base").glob("*.py") if path.name != "__init__.py"]
    assert len(files) <= BASE_FILES, f"agora/base has {len(files)} files: {sorted(files)}"


# What reads the environment for the settings, and what starts the process.
STARTERS = {"agora/base/env.py", "agora/prepare.py", "agora/serve.py", "agora/web.py", "agora/wsgi.py"}


def test_only_the_settings_read_the_environment() -> None:
    """Everything else asks agora/settings.py."""
    wrong = [
        f"{name_of(path)}:{node.lineno} reads the environment"
        for path in OURS
        if name_of(path) not in STARTERS
        for node in nodes(path, ast.Attribute)
        if node.attr in ("environ", "getenv")
    ]
    assert wrong == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_compile(path: Path) -> None:
    """With StrictUndefined at work: an unknown filter, test or tag fails here, an unknown variable when rendered."""
    get_template(str(path.relative_to(ROOT / "templates")), using="jinja2")


INLINE = {
    "an inline script": re.compile(r"<script(?![^>]*\ssrc=)[^>]*>", re.IGNORECASE),
    "an inline style": re.compile(r"<style[\s>]|\sstyle\s*=", re.IGNORECASE),
    "an inline handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "a script address": re.compile(r"(javascript|data):[^ ]", re.IGNORECASE),
    "an htmx expression": re.compile(r"hx-on|hx-vals\s*=\s*[\"']js:|hx-trigger\s*=\s*\"[^\"]*\["),
    "unescaped text": re.compile(r"\|\s*safe\b|autoescape\s+false"),
    "an address elsewhere": re.compile(r"(src|href|action)\s*=\s*[\"'](https?:)?//"),
}


@pytest.mark.parametrize("what", INLINE)
def test_templates_hold_nothing_that_the_content_policy_refuses(what: str) -> None:
    wrong = []
    for path in TEMPLATES:
        text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        wrong += [f"{name_of(path)} has {what}: {found.group()!r}" for found in INLINE[what].finditer(text)]
    assert wrong == []


OUTSIDE = re.compile(r"url\(\s*[\"']?(https?:|//|data:)|@import\s+[\"'](https?:|//)")
EVALUATED = re.compile(r"\beval\(|new Function|innerHTML\s*=|document\.write")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def test_assets_ask_nobody_else() -> None:
    texts = {name_of(path): path.read_text() for path in ASSETS if path.suffix in (".js", ".css")}
    assert [name for name, text in texts.items() if OUTSIDE.search(text)] == []
    assert [name for name, text in texts.items() if EVALUATED.search(COMMENT.sub("", text))] == []


# The classes of one letter keep this file from finding itself.
PRIVATE = re.compile(r"/[w]ork/|/tmp/[b]rief|[p]ypi\.org|files\.[p]ythonhosted|[a]rtifactory|[i]ndex-url=?\s*http")


def test_no_file_names_this_machine_or_a_package_registry() -> None:
    files = {*MODULES, *TEMPLATES, *ASSETS, *DOCUMENTS}
    found = {name_of(path): PRIVATE.search(path.read_bytes().decode("utf-8", "replace")) for path in files}
    assert {name: match.group() for name, match in found.items() if match} == {}
