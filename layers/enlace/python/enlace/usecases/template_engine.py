"""Jinja2, kept to what a message needs, so that a template can neither reach out nor run on.

A template may print variables, filter them, branch on them and walk through a list. Nothing
else is taken: no attribute, no item, no call, no arithmetic, no macro, no inclusion. The
sandbox of Jinja2 (``ImmutableSandboxedEnvironment``) stands behind that, and has to stop
nothing: its own limit on ``range`` does not stop ``{{ 9 ** 9 ** 9 }}``, ``{{ 'a' * 10 ** 9 }}``
or a loop in a loop. Without calls, arithmetic and nested loops the time is at most the
source's length times the longest list, both bounded; and the output is counted as it comes.
The tree is checked before Jinja2 compiles it, since compiling already works constants out.

Jinja2 costs a tenth of ``import boto3``: only whoever renders imports this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from enlace.domain.template_source import Source, Variable
from enlace.errors import InvalidPayload

#: Characters that a part may have when rendered.
MAX_SUBJECT = 250
MAX_OUTPUT = {"text": 100_000, "html": 200_000}
MAX_OTHER_OUTPUT = 10_000

_FILTERS = (
    *("capitalize", "default", "escape", "e", "first", "join", "last", "length", "lower"),
    *("title", "tojson", "trim", "truncate", "upper", "urlencode"),
)
_TESTS = ("defined", "none", "undefined", "equalto", "eq", "ne", "in")
_MAX_DEPTH = 20

_STATEMENTS = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For)
_EXPRESSIONS = (
    *(nodes.Name, nodes.Const, nodes.Filter, nodes.Test, nodes.Keyword, nodes.CondExpr),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat),
)

# Each of these takes time in proportion to the text, whatever it is.
_TAG = re.compile(r"""<[a-zA-Z/\x00](?:"[^"]*"|'[^']*'|[^<>"'])*>?""")
_QUOTED = re.compile(r"""([^\s"'=<>/]{1,64})\s{0,9}=\s{0,9}("[^"]*"|'[^']*')""")
_CLOSED_TO_VARIABLES = re.compile(
    r"<!--.*?(?:-->|\Z)|<!(?!--).*?(?:>|\Z)|<style\b.*?(?:</style|\Z)", re.IGNORECASE | re.DOTALL
)
_NOT_IN_MAIL = re.compile(
    r"<\s{0,9}/?(?:script|iframe|object|embed|form|base|meta|link)\b"
    r"|\son[a-z]{1,32}\s{0,9}=|javascript:",
    re.IGNORECASE,
)
_LINKS = frozenset(("action", "background", "cite", "formaction", "href", "poster", "src"))
_CODE = frozenset(("style", "srcset", "srcdoc"))


def _environment(autoescape: bool) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=None,
        cache_size=0,
    )
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in _FILTERS}
    made.tests = {name: made.tests[name] for name in _TESTS}
    return made


_PLAIN, _HTML = _environment(False), _environment(True)


class CompiledTemplate:
    """A template's parts in one language, ready to be filled.

    Parameters
    ----------
    source : Source

    Raises
    ------
    InvalidPayload
        If a part is no template, does what none may, or uses what is not declared; names
        the part and the line.
    """

    def __init__(self, source: Source):
        self._parts = {}
        #: Variables that each part uses.
        self.uses: dict[str, frozenset[str]] = {}
        for name, text in source.parts.items():
            environment = _HTML if name == "html" else _PLAIN
            try:
                tree = environment.parse(text)
                _check(tree, source.variables, name)
                if name == "html":
                    _check_html(tree, source.variables)
                self.uses[name] = frozenset(find_undeclared_variables(tree))
                self._parts[name] = environment.from_string(tree)
            except TemplateError as error:
                line = getattr(error, "lineno", 0)
                raise InvalidPayload(f"[{name}], line {line}: {error.message}") from None
            except (RecursionError, SyntaxError, ValueError, OverflowError, MemoryError) as error:
                raise InvalidPayload(f"[{name}]: {type(error).__name__}") from None

    def render(self, values: Mapping[str, Any]) -> dict[str, str]:
        """All parts, filled.

        Parameters
        ----------
        values : mapping
            Every variable that the parts use: clean text, or a list of it.

        Raises
        ------
        InvalidPayload
            If a part grows too long, or a value is missing; names the variable.
        """
        rendered = {}
        for name, part in self._parts.items():
            try:
                text = _joined(name, part.generate(values))
            except TemplateError as error:
                # Its text names variables; values it does not quote.
                raise InvalidPayload(f"[{name}]: {error.message}") from None
            except (TypeError, ValueError, OverflowError, RecursionError) as error:
                # A filter got a value that it cannot use; its text may quote the value.
                raise InvalidPayload(f"[{name}]: {type(error).__name__}") from None
            rendered[name] = text.strip()
        if "subject" in rendered:
            rendered["subject"] = " ".join(rendered["subject"].split())[:MAX_SUBJECT]
        return rendered


def _joined(name: str, pieces: Iterator[str]) -> str:
    most = MAX_OUTPUT.get(name, MAX_OTHER_OUTPUT)
    kept: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > most:
            raise InvalidPayload(f"[{name}]: longer than {most} characters")
        kept.append(piece)
    return "".join(kept)


def _check(tree: nodes.Template, variables: Mapping[str, Variable], part: str) -> None:
    """Take only what is on the lists; iterative, so that no depth can exhaust the stack."""
    waiting: list[tuple[nodes.Node, int, bool]] = [(tree, 0, False)]
    while waiting:
        node, depth, looped = waiting.pop()
        if depth > _MAX_DEPTH:
            raise InvalidPayload(f"[{part}], line {node.lineno}: nested too deeply")
        if not isinstance(node, _STATEMENTS + _EXPRESSIONS):
            kind = type(node).__name__.lower()
            raise InvalidPayload(f"[{part}], line {node.lineno}: {kind} is not for templates")
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            raise InvalidPayload(f"[{part}], line {node.lineno}: no such filter: {node.name}")
        if isinstance(node, nodes.Test) and node.name not in _TESTS:
            raise InvalidPayload(f"[{part}], line {node.lineno}: no such test: {node.name}")
        if isinstance(node, nodes.For):
            over = node.iter
            known = isinstance(over, nodes.Name) and variables.get(over.name)
            if looped or node.recursive or not known or known.type != "list":
                raise InvalidPayload(
                    f"[{part}], line {node.lineno}: a loop walks through a declared list, and has "
                    "no other in it"
                )
            looped = True
        waiting += [(child, depth + 1, looped) for child in node.iter_child_nodes()]


def _check_html(tree: nodes.Template, variables: Mapping[str, Variable]) -> None:
    """Variables stand in text or in quoted attributes, where escaping holds them."""
    # Every output becomes a mark, so that what is left is the HTML around it.
    marks: list[nodes.Node] = []
    pieces: list[str] = []
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            if isinstance(node, nodes.TemplateData):
                pieces.append(node.data)
            else:
                pieces.append(f"\x00{len(marks)}\x01")
                marks.append(node)
    html = "".join(pieces)
    if _NOT_IN_MAIL.search(html):
        raise InvalidPayload("[html]: has scripts, forms or what else no mail program shows")
    if any("\x00" in match[0] for match in _CLOSED_TO_VARIABLES.finditer(html)):
        raise InvalidPayload("[html]: a variable stands in a style sheet or a comment")
    for tag in _TAG.findall(html):
        if not tag.endswith(">"):
            raise InvalidPayload("[html]: a tag or a quoted attribute is not closed")
        for name, quoted in _QUOTED.findall(tag):
            value = quoted[1:-1]
            if "\x00" in name or ("\x00" in value and name.lower() in _CODE):
                raise InvalidPayload(f"[html]: a variable stands in {name.lower()!r}")
            if name.lower() in _LINKS and value.lstrip().startswith("\x00"):
                mark = marks[int(value.lstrip()[1:].partition("\x01")[0])]
                _check_link(mark, variables)
        if "\x00" in _QUOTED.sub("", tag):
            raise InvalidPayload("[html]: a variable in a tag stands in a quoted attribute")


def _check_link(node: nodes.Node, variables: Mapping[str, Variable]) -> None:
    name = node.name if isinstance(node, nodes.Name) else ""
    known = variables.get(name)
    # What is not declared at all is told apart later; of what is, only links begin a link.
    if not name or (known is not None and known.type != "url"):
        raise InvalidPayload("[html]: a link begins with https:// or is a variable of type url")
