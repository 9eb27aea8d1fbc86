"""The house stays as CONTRIBUTING.md draws it: one name for one thing. The arrows are import-linter's to hold."""

import ast
from collections import Counter, defaultdict
from pathlib import Path

import ccops

ROOT = Path(ccops.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
SHARED = {"__init__.py", "errors.py", "model.py"}
"""Names that a file of any room may have."""
FIELD_TERMS = {"test_server_polling.py"}
"""Words in -ing that are the field's own."""


def test_no_two_classes_share_a_name() -> None:
    places = defaultdict[str, list[str]](list)
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_a_file_name_stands_for_two_files_at_most() -> None:
    names = Counter(path.name for path in FILES)
    assert {name: count for name, count in names.items() if count > 2 and name not in SHARED} == {}


def test_no_file_is_called_after_a_verb_in_ing() -> None:
    tests = Path(__file__).parent.rglob("*.py")
    assert {path.name for path in (*FILES, *tests) if path.stem.endswith("ing")} <= FIELD_TERMS


def test_no_private_module_of_another_package_is_imported_but_typers() -> None:
    """Typer has its errors and its help nowhere else; its version is bounded for that."""
    found = defaultdict[str, set[str]](set)
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            for part in named:
                if any(word.startswith("_") and not word.startswith("__") for word in part.split(".")):
                    found[part].add(path.parent.name)
    assert {part for part in found if not part.startswith(("typer._click", "_typeshed"))} == set()
    assert set().union(*found.values()) == {"cli"}
