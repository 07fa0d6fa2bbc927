"""The rules of the house: who may import whom, and what no file may do.

A rule is a function from a source file to the complaints about it. Every rule is run over the
whole project, and on a small bad example that it must complain about.
"""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("app", "shell", "pages", "viz", "model_runtime", "scripts", "benchmarks", "tests")

# What each part of the house must not import, and the one file that may.
SCREEN = ("streamlit", "plotly", "starlette", "app", "shell", "pages", "viz")
MODELS = ("torch", "transformers", "tokenizers", "safetensors", "huggingface_hub")
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "model_runtime": SCREEN,
    "viz": (*MODELS, "app", "shell", "pages"),
    "shell": ("app", "pages"),
    "pages": ("app", "pages"),
}
MAY_IMPORT_PAGES = "shell/frame.py"
MAY_CACHE = "shell/cache.py"
MAY_HOLD_STATE = "shell/state.py"

LONGEST = {"app.py": 60, "pages/": 120, "": 350}  # the first that fits; lines
VAGUE = {"util", "utils", "helper", "helpers", "common", "misc"}
UNSAFE_IMPORTS = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
UNSAFE_ARGUMENTS = ("trust_remote_code", "unsafe_allow_html", "allow_pickle")
NAMESPACES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml")
OTHER_HOST = re.compile(r"https?://|wss?://|(?:from|import|url\(|src=|href=)\s*\(?\s*[\"'(]?//")
LIVE_TEXT = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\()")


@dataclass(frozen=True)
class Source:
    """One file of the project, by its path from the root."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed Python."""
        return ast.parse(self.text, self.path)

    @property
    def part(self) -> str:
        """The part of the house that the file stands in."""
        return self.path.split("/")[0].removesuffix(".py")

    @property
    def module(self) -> str:
        """The name that the file is imported by."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def said(self, node: ast.AST, complaint: str) -> str:
        """A complaint with its place."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {complaint}"


def project(*suffixes: str) -> list[Source]:
    """All files of the project with one of these suffixes, tests left out."""
    files = [ROOT / "app.py"] + [
        path for part in OURS if part != "tests" for path in sorted((ROOT / part).rglob("*"))
    ]
    return [
        Source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
        for path in files
        if path.suffix in suffixes and path.is_file()
    ]


def imports(source: Source, *, lazy: bool = True) -> Iterator[tuple[ast.AST, str]]:
    """Every name that a file imports, in full: `from viz import labels` is viz.labels.

    Without `lazy`, only what is imported when the module is.
    """
    for node in ast.walk(source.tree) if lazy else at_import(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = source.module.split(".")
                package = package if source.path.endswith("__init__.py") else package[:-1]
                package = package[: len(package) - node.level + 1]
                base = ".".join([*package, base]).strip(".")
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__"):
            if node.args and isinstance(node.args[0], ast.Constant):
                yield node, str(node.args[0].value)


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported: not what functions do later."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from at_import(child)


def called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    function = node.func
    return str(getattr(function, "attr", None) or getattr(function, "id", ""))


def within(name: str, packages: tuple[str, ...]) -> bool:
    """Whether an imported name is one of the packages, or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def touches(source: Source, names: tuple[str, ...]) -> Iterator[tuple[ast.AST, str]]:
    """Every use of a name in a file, as an attribute, a variable or an import."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in names:
            yield node, node.attr
        elif isinstance(node, ast.Name) and node.id in names:
            yield node, node.id
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, alias.name) for alias in node.names if alias.name in names)


# --- rules for one Python file -------------------------------------------------------------------


def imports_point_inwards(source: Source) -> list[str]:
    """model_runtime and viz know nothing of the app; a page knows no other page."""
    forbidden = FORBIDDEN.get(source.part, ())
    if source.path == MAY_IMPORT_PAGES:
        forbidden = tuple(name for name in forbidden if name != "pages")
    return [
        source.said(node, f"{source.part} must not import {name}")
        for node, name in imports(source)
        if within(name, forbidden)
    ]


def only_one_file_caches(source: Source) -> list[str]:
    """Streamlit's cache is used in one place, where it is bounded."""
    return [
        source.said(node, f"st.{name} belongs in {MAY_CACHE}")
        for node, name in touches(source, ("cache_data", "cache_resource"))
        if source.path != MAY_CACHE
    ]


def only_one_file_holds_state(source: Source) -> list[str]:
    """A user's choices are kept in one place, which also writes them to the URL."""
    return [
        source.said(node, f"{name} belongs in {MAY_HOLD_STATE}")
        for node, name in touches(source, ("session_state", "query_params"))
        if source.path != MAY_HOLD_STATE and not of_a_request(node)
    ]


def of_a_request(node: ast.AST) -> bool:
    """Whether this is `request.query_params`: Starlette's, in a route, and read only."""
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "request.query_params"


def says_what_it_knows(source: Source) -> list[str]:
    """Every module begins with what it is for."""
    if ast.get_docstring(source.tree) or not source.text.strip():
        return []
    return [source.said(source.tree, "has no module docstring")]


def is_short(source: Source) -> list[str]:
    """A file is read at one sitting."""
    limit = next(limit for start, limit in LONGEST.items() if source.path.startswith(start))
    lines = source.text.count("\n")
    return [f"{source.path}: {lines} lines, more than {limit}"] if lines > limit else []


def prints_nothing(source: Source) -> list[str]:
    """A server logs; a page shows."""
    return [
        source.said(node, "calls print")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]


def runs_no_foreign_code(source: Source) -> list[str]:
    """No pickle, no code from a model's repository, no live HTML."""
    found = [
        source.said(node, f"imports {name}")
        for node, name in imports(source)
        if within(name, UNSAFE_IMPORTS)
    ]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.load":
            found.append(source.said(node, "torch.load unpickles; use safetensors"))
        if isinstance(node, ast.keyword) and node.arg in UNSAFE_ARGUMENTS:
            if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                found.append(source.said(node.value, f"{node.arg} must not be on"))
    return found


def is_named_for_what_it_does(source: Source) -> list[str]:
    """No module or folder that could hold anything."""
    vague = VAGUE & set(source.module.split("."))
    return [f"{source.path}: '{name}' says nothing" for name in sorted(vague)]


PYTHON_RULES = [
    imports_point_inwards,
    only_one_file_caches,
    only_one_file_holds_state,
    says_what_it_knows,
    is_short,
    prints_nothing,
    runs_no_foreign_code,
    is_named_for_what_it_does,
]


@pytest.mark.parametrize("rule", PYTHON_RULES)
def test_every_python_file(rule: Callable[[Source], list[str]]) -> None:
    complaints = [complaint for source in project(".py") for complaint in rule(source)]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (imports_point_inwards, "model_runtime/bad.py", "import streamlit as st"),
        (imports_point_inwards, "model_runtime/bad.py", "def f():\n    from plotly import io"),
        (imports_point_inwards, "model_runtime/bad.py", "from viz import theme"),
        (imports_point_inwards, "model_runtime/deep/bad.py", "from ...shell import state"),
        (imports_point_inwards, "viz/bad.py", "import torch.nn.functional as F"),
        (imports_point_inwards, "viz/bad.py", "import importlib\nimportlib.import_module('torch')"),
        (imports_point_inwards, "viz/components/one/__init__.py", "from shell.state import text"),
        (imports_point_inwards, "pages/bad.py", "from pages import attention"),
        (imports_point_inwards, "pages/bad.py", "from .attention import picture"),
        (imports_point_inwards, "pages/bad.py", "import app"),
        (imports_point_inwards, "shell/show.py", "import pages.attention"),
        (only_one_file_caches, "pages/bad.py", "@st.cache_data\ndef f(): ..."),
        (only_one_file_caches, "shell/bad.py", "from streamlit import cache_resource"),
        (only_one_file_holds_state, "viz/bad.py", "st.session_state['head'] = 3"),
        (only_one_file_holds_state, "pages/bad.py", "from streamlit import query_params"),
        (only_one_file_holds_state, "shell/bad.py", "st.query_params['text'] = text"),
        (says_what_it_knows, "viz/bad.py", "import numpy as np"),
        (is_short, "pages/bad.py", "\n" * 121),
        (is_short, "app.py", "\n" * 61),
        (is_short, "viz/bad.py", "\n" * 351),
        (prints_nothing, "shell/bad.py", "print('here')"),
        (runs_no_foreign_code, "model_runtime/bad.py", "import pickle"),
        (runs_no_foreign_code, "model_runtime/bad.py", "torch.load(path)"),
        (runs_no_foreign_code, "model_runtime/bad.py", "f(name, trust_remote_code=True)"),
        (runs_no_foreign_code, "model_runtime/bad.py", "f(name, trust_remote_code=trusted)"),
        (runs_no_foreign_code, "pages/bad.py", "st.markdown(text, unsafe_allow_html=True)"),
        (is_named_for_what_it_does, "viz/utils.py", ""),
        (is_named_for_what_it_does, "shell/common/dates.py", ""),
    ],
)
def test_a_rule_finds_a_bad_file(rule: Callable[[Source], list[str]], path: str, text: str) -> None:
    assert len(rule(Source(path, text))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app.py", "import shell.frame, viz.theme, model_runtime.catalog"),
        ("shell/frame.py", "from pages import attention"),
        ("shell/show.py", "import plotly, pandas, viz.theme"),
        ("pages/good.py", "from model_runtime.tracing import trace\nfrom viz import theme"),
        ("viz/good.py", "from . import theme\nfrom .theme import LIGHT\nimport streamlit as st"),
        ("model_runtime/good.py", "import torch\nfrom model_runtime.types import Trace"),
        ("model_runtime/good.py", "import plotlyx, shellac"),  # a longer name is another name
    ],
)
def test_imports_that_are_allowed(path: str, text: str) -> None:
    assert imports_point_inwards(Source(path, text)) == []


# --- rules for what goes to the browser ----------------------------------------------------------


def stays_on_this_host(source: Source) -> list[str]:
    """The app works without a network: nothing is loaded from another host."""
    found = []
    for number, line in enumerate(source.text.splitlines(), 1):
        for namespace in NAMESPACES:
            line = line.replace(namespace, "")
        if OTHER_HOST.search(line):
            found.append(f"{source.path}:{number}: names another host")
    return found


def draws_text_literally(source: Source) -> list[str]:
    """A token such as <img> is text: textContent and fillText, never markup."""
    return [
        f"{source.path}:{number}: {match[1]} makes markup of text"
        for number, line in enumerate(source.text.splitlines(), 1)
        if (match := LIVE_TEXT.search(line))
    ]


BROWSER_RULES = [stays_on_this_host, draws_text_literally]


@pytest.mark.parametrize("rule", BROWSER_RULES)
def test_every_browser_file(rule: Callable[[Source], list[str]]) -> None:
    files = project(".js", ".mjs", ".css", ".html", ".svg")
    complaints = [complaint for source in files for complaint in rule(source)]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (stays_on_this_host, 'import * as d3 from "https://cdn.example/d3.js";'),
        (stays_on_this_host, '@import url("//fonts.example/inter.css");'),
        (stays_on_this_host, "@import url(//fonts.example/inter.css);"),
        (stays_on_this_host, 'new WebSocket("wss://example.org")'),
        (draws_text_literally, "label.innerHTML = token;"),
    ],
)
def test_a_rule_finds_a_bad_browser_file(rule: Callable[[Source], list[str]], text: str) -> None:
    assert len(rule(Source("viz/components/one/one.js", text))) == 1


def test_namespaces_and_comments_name_no_host() -> None:
    text = 'const SVG = "http://www.w3.org/2000/svg";  // a comment\n'
    assert stays_on_this_host(Source("viz/components/one/one.js", text)) == []


# --- rules for the project as a whole ------------------------------------------------------------


def reached(starts: set[str], sources: dict[str, Source], *, lazy: bool) -> set[str]:
    """The project's modules that importing some of them brings with it, these included."""
    seen: set[str] = set()
    todo = sorted(starts)
    while todo:
        module = todo.pop()
        if module not in seen:
            seen.add(module)
            for _, name in imports(sources[module], lazy=lazy):
                todo += [above for above in prefixes(name) if above in sources]
    return seen


def prefixes(name: str) -> list[str]:
    """a.b.c → a, a.b, a.b.c: what is imported on the way."""
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def modules(sources: list[Source]) -> dict[str, Source]:
    """The sources by the names they are imported by."""
    return {source.module: source for source in sources}


def pictures_load_no_models(sources: dict[str, Source]) -> list[str]:
    """Not even through model_runtime does drawing import torch: its types are plain numpy."""
    starts = {module for module in sources if within(module, ("viz",))}
    return [
        sources[module].said(node, f"brings {name} into viz")
        for module in sorted(reached(starts, sources, lazy=False))
        for node, name in imports(sources[module], lazy=False)
        if within(name, MODELS)
    ]


def test_pictures_load_no_models() -> None:
    assert pictures_load_no_models(modules(project(".py"))) == []


def test_a_roundabout_import_is_found() -> None:
    sources = [
        Source("viz/one.py", "from model_runtime import two"),
        Source("model_runtime/two.py", "import torch"),
        Source("model_runtime/three.py", "import torch"),
    ]
    assert pictures_load_no_models(modules(sources)) == [
        "model_runtime/two.py:1: brings torch into viz"
    ]
    sources[1] = Source("model_runtime/two.py", "def f():\n    import torch")
    assert pictures_load_no_models(modules(sources)) == []


def requirements(name: str) -> list[str]:
    """The lines of a requirements file that name a package."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r "))]


def package(line: str) -> str:
    """The package that a requirements line names, spelled as pip compares names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", line, maxsplit=1)[0]).lower()


def loose(line: str) -> list[str]:
    """What a requirements line lacks: an upper bound, a reason."""
    asked, _, reason = line.partition("#")
    found = [] if re.search(r"==|~=|<", asked) else [f"{asked.strip()}: has no upper bound"]
    return found if reason.strip() else [*found, f"{asked.strip()}: no comment says why"]


def test_requirements_are_bounded_and_explained() -> None:
    lines = requirements("requirements.txt") + requirements("requirements-dev.txt")
    assert [complaint for line in lines for complaint in loose(line)] == []
    assert any(re.match(r"torch==[\d.]+\s", line) for line in lines)


def test_a_loose_requirement_is_found() -> None:
    assert loose("numpy>=2  # arrays") == ["numpy>=2: has no upper bound"]
    assert loose("numpy>=2,<3") == ["numpy>=2,<3: no comment says why"]
    assert loose("torch==2.13.0  # models") == []


def undeclared(sources: list[Source], declared: set[str]) -> list[str]:
    """Imports of packages that no requirements line names."""
    known = importlib.metadata.packages_distributions()
    found = []
    for source in sources:
        for node, name in imports(source):
            top = name.split(".")[0]
            if top in sys.stdlib_module_names or top in OURS:
                continue
            if not declared & {package(owner) for owner in known.get(top, [top])}:
                found.append(source.said(node, f"{top} is in no requirements file"))
    return found


def test_what_the_app_imports_is_declared() -> None:
    sources = modules(project(".py"))
    starts = {name for name in sources if within(name, ("app", "shell", "pages", "viz"))}
    app = [sources[name] for name in sorted(reached(starts, sources, lazy=True))]
    runtime = {package(line) for line in requirements("requirements.txt")}
    development = {package(line) for line in requirements("requirements-dev.txt")}
    assert undeclared(app, runtime) == []
    fetched = {"bertviz"}  # by benchmarks/peers.py, into a folder that nothing else looks into
    assert undeclared(list(sources.values()), runtime | development | fetched) == []


def test_an_undeclared_import_is_found() -> None:
    source = Source("viz/bad.py", "import numpy, hypothesis")
    assert undeclared([source], {"numpy"}) == [
        "viz/bad.py:1: hypothesis is in no requirements file"
    ]


def settings() -> dict[str, dict[str, object]]:
    """Streamlit's settings, as tables."""
    return tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))


def test_streamlit_makes_no_call_of_its_own() -> None:
    found = settings()
    assert found["browser"]["gatherUsageStats"] is False
    assert found["browser"]["serverAddress"]  # unset, Streamlit asks another host for its own
    assert found["client"]["showErrorLinks"] is False
    assert found["client"]["toolbarMode"] == "minimal"
    assert found["client"]["showErrorDetails"] in ("type", "none")
    text = (ROOT / ".streamlit" / "config.toml").read_text("utf-8")
    assert not OTHER_HOST.search(text)


def test_every_setting_is_one_that_streamlit_knows() -> None:
    from streamlit import config

    known = set(config.get_config_options())
    written = set(flat(settings()))
    assert written <= known


def flat(table: Mapping[str, object], above: str = "") -> Iterator[str]:
    """The dotted names of the values in nested tables."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}"


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_the_app_has_the_colours_of_the_pictures(ground: str) -> None:
    theme = pytest.importorskip("viz.theme")
    colours = settings()["theme"][ground]
    palette = theme.palette(ground)
    assert isinstance(colours, dict)
    assert colours["primaryColor"] == palette["accent"]
    assert colours["backgroundColor"] == palette["ground"]
    assert colours["textColor"] == palette["ink"]
