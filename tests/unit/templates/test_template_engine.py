"""A template can neither reach out nor run on, and a value can be nothing but a value."""

from __future__ import annotations

import email.message
import email.policy
import html.parser
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.template_source import parse_source
from enlace.domain.template_version import version_from
from enlace.errors import InvalidPayload
from enlace.usecases.template_checks import preview_of
from enlace.usecases.template_engine import MAX_SUBJECT, CompiledTemplate
from enlace.usecases.template_values import values_of

HEADER = """purposes: transactional
name: text = João
link: url = https://example.com/a
lines: list = a | b
coupon?: text = CAFE10
"""


PIECES = (
    *("{{", "}}", "{%", "%}", "{#", "#}", " name ", " if ", " for ", " in ", "lines", "(", ")"),
    *("|", "upper", "'", '"', "<", ">", "=", " endif ", " endfor ", ".", "[", "]", "~", "\\"),
    *("0x", "1e9", "is", "not", " else ", ",", ":", "-", "+", "\n"),
)


def compiled(part: str, text: str) -> CompiledTemplate:
    parts = f"[{part}]\n{text}" if part == "text" else f"[text]\na\n[{part}]\n{text}"
    return CompiledTemplate(parse_source(f"{HEADER}{parts}"))


def filled(part: str, text: str, **data: Any) -> str:
    full = f"{HEADER}[text]\na\n[{part}]\n{text}" if part != "text" else f"{HEADER}[text]\n{text}"
    known = version_from("x", "v1", {"en": full})
    given = {"name": "João", "link": "https://example.com/a", "lines": ["a", "b"], **data}
    values = values_of(known, given, "en") | {"unsubscribe_url": "", "preferences_url": ""}
    return compiled(part, text).render(values)[part]


@pytest.mark.parametrize(
    "text",
    [
        # Out of the sandbox, as it was got out of before.
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ ''|attr('__class__') }}",
        "{{ ().__class__.__bases__[0].__subclasses__() }}",
        "{{ name.__init__.__globals__ }}",
        "{{ name.format(name) }}",
        "{{ '{0.__class__}'.format(name) }}",
        "{{ name|map(attribute='__class__')|list }}",
        "{{ self._TemplateReference__context }}",
        "{{ self.__init__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum.__globals__['os'] }}",
        "{{ config }}{{ request.args }}{{ config.items() }}",
        "{{ joiner() }}{{ namespace() }}",
        "{% set x = name.__class__ %}",
        "{% set ns.x = 1 %}",
        # Out of the file.
        "{% include '/etc/passwd' %}",
        "{% extends 'x' %}",
        "{% import 'os' as os %}",
        "{% from 'x' import y %}",
        # On and on.
        "{{ 9 ** 9 ** 9 }}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ '%0999999999d' % 1 }}",
        "{{ 'a'|center(999999999) }}",
        "{{ 'a'|ljust(999999999) }}",
        "{{ 'a'|indent(999999999) }}",
        "{{ '%999999999s'|format(1) }}",
        "{{ 'aaaa'|replace('a', 'aaaa') }}",
        "{% for i in range(99999) %}a{% endfor %}",
        "{% for i in 'aaaa' %}a{% endfor %}",
        "{% for i in name %}a{% endfor %}",
        "{% for i in lines %}{% for j in lines %}a{% endfor %}{% endfor %}",
        "{% for i in lines recursive %}{{ loop(lines) }}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% call name() %}{% endcall %}",
        "{% filter upper %}a{% endfilter %}",
        "{% block a %}a{% endblock %}",
        "{% autoescape false %}{{ name }}{% endautoescape %}",
        "{% do name %}",
        "{{ name|safe }}",
        "{{ name|random }}",
        "{{ name is callable }}",
        "{{ name[0:1] }}",
        "{{ (" * 3000,
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ " + "not " * 5000 + "name }}",
        "{{ " + "name and " * 500 + "name }}",
        "{% if name %}" * 200 + "{% endif %}" * 200,
        "{{ " + "9" * 5000 + " }}",
        "{{ name|no_such_filter }}",
        "{{ name is no_such_test }}",
        "{% nothing %}",
        "{{ name ",
        "{% if name %}",
        "{{ }}",
    ],
)
@pytest.mark.parametrize("part", ["text", "html", "sms"])
def test_what_a_template_may_not_do_is_refused_before_it_runs(part: str, text: str) -> None:
    began = time.process_time()
    with pytest.raises(InvalidPayload) as refusal:
        compiled(part, text)
    assert f"[{part}]" in str(refusal.value)
    assert time.process_time() - began < 2


def test_what_a_message_needs_works() -> None:
    text = (
        "{% if coupon %}{{ coupon|upper }}{% else %}-{% endif %}:"
        "{% for line in lines %}{{ line }};{% endfor %}"
    )
    assert filled("text", text) == "-:a;b;"
    assert filled("text", text, coupon="x") == "X:a;b;"
    assert (
        filled("text", "{{ coupon|default('none', true) }} {{ lines|join(', ') }}") == "none a, b"
    )
    assert filled("text", "{{ name|lower|title ~ '!' }} {{ lines|length }}") == "João! 2"
    assert filled("whatsapp", '{"a": {{ name|tojson }}}', name='"}') == '{"a": "\\"}"}'
    assert filled("text", "{{ 'a' if name == 'João' else 'b' }}") == "a"


@pytest.mark.parametrize(
    "text",
    [
        "<a href={{ link }}>x</a>",
        "<a title={{ name }}>x</a>",
        "<p {{ name }}>x</p>",
        "<{{ name }}>x",
        "<a href='{{ name }}'>x</a>",
        '<a href="{{ name|upper }}">x</a>',
        '<a href=" {{ link ~ name }}">x</a>',
        '<a title="a > b" href="{{ name }}">x</a>',
        '<a title="{{ name }}>x</a>',
        '<p style="color: {{ name }}">x</p>',
        "<p onclick=\"f('{{ name }}')\">x</p>",
        "<script>var a = '{{ name }}'</script>",
        "<style>p { color: {{ name }} }</style>",
        "<!-- {{ name }} -->",
        "<!-- > {{ name }} -->",
        "<iframe src='https://example.com'></iframe>",
        "<form action='https://example.com'></form>",
        "<a href='javascript:alert(1)'>x</a>",
        "<img src='{{ name }}'>",
        "<img srcset='{{ link }} 2x'>",
        "<base href='https://example.com'>",
        "<meta http-equiv=refresh content='0'>",
    ],
)
def test_html_in_which_escaping_would_not_hold_a_value_is_refused(text: str) -> None:
    with pytest.raises(InvalidPayload):
        compiled("html", text)


@pytest.mark.parametrize(
    "text",
    [
        '<p class="a">{{ name }}</p>',
        '<a href="{{ link }}" title="{{ name }}">{{ name }}</a>',
        "<a href='https://example.com/?n={{ name|urlencode }}'>x</a>",
        '{% if link %}<a href="{{ link }}">x</a>{% endif %}<br/><!-- plain -->',
        '<a href="{{ unsubscribe_url }}">x</a>',
        "<style>p { margin: 0 }</style><p style='margin: 0'>{{ name }}</p>",
        "3 < 5 {{ name }}",
    ],
)
def test_ordinary_html_is_taken(text: str) -> None:
    compiled("html", text)


class Elements(html.parser.HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.tags: list[Any] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, [name for name, _ in attrs]))


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=60)
    | st.sampled_from(
        ["<script>alert(1)</script>", '" onload="x', "' x='", "{{ 7*7 }}", "{% if %}", "]]>", "-->"]
    )
)
def test_no_value_changes_the_html_around_it(value: str) -> None:
    text = "<p title=\"{{ name }}\" class='{{ name }}'>{{ name }}</p>"
    shown = filled("html", text, name=value)

    assert Elements(shown).tags == [("p", ["title", "class"])]
    assert "49" not in shown or "49" in value


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400) | st.sampled_from(["a\r\nBcc: x@example.com", "a\n\nbody", "\x85b"]))
def test_no_value_starts_a_header_or_a_line(value: str) -> None:
    subject = filled("subject", "Olá {{ name }}", name=value)
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["Subject"] = subject

    assert len(subject.splitlines()) == 1 and len(subject) <= MAX_SUBJECT
    headers = message.as_bytes().split(b"\r\n\r\n")[0]
    assert len([n for n in headers.split(b"\r\n") if not n.startswith((b" ", b"\t"))]) == 1
    lines = filled("whatsapp", "name: x\nbody: {{ name }}", name=value).splitlines()
    assert len(lines) == 2


def test_a_message_cannot_become_endless() -> None:
    text = "{% for l in lines %}" + "{{ name }}" * 4000 + "{% endfor %}"
    began = time.process_time()
    with pytest.raises(InvalidPayload, match="longer than"):
        filled("text", text, name="x" * 2000, lines=["a"] * 50)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("text", ["<" * 60_000, "<a " * 20_000, '<a "' * 15_000, "<!--" * 15_000,
                                  "<style>" * 9_000, "a" * 60_000 + "=", "< " * 30_000,
                                  "<a " + "x" * 60_000, "<a " + "x " * 30_000, " on" * 20_000,
                                  "<a x" + " " * 60_000, "<" + " " * 60_000])  # fmt: skip
def test_no_html_keeps_the_check_busy(text: str) -> None:
    began = time.process_time()
    with suppress(InvalidPayload):
        compiled("html", text)
    assert time.process_time() - began < 3


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_whatever_stands_in_a_template_is_taken_or_refused(pieces: list[str]) -> None:
    for part in ("text", "html"):
        with suppress(InvalidPayload):
            filled(part, "a" + "".join(pieces))


def test_reasons_name_variables_and_repeat_no_value() -> None:
    secret = "joao@example.com"
    for data in ({"name": {"a": secret}}, {"link": secret}, {"lines": secret}, {secret: "x"}):
        with pytest.raises(InvalidPayload) as refusal:
            filled("text", "{{ name }}", **data)
        assert secret not in str(refusal.value)


def test_what_is_used_must_be_declared() -> None:
    source = parse_source(f"{HEADER}[text]\n{{{{ nome }}}}")
    known = version_from("x", "v1", {"en": f"{HEADER}[text]\na"})
    with pytest.raises(InvalidPayload, match="not declared: nome"):
        preview_of(known, source, "en", source.example_data, marketing=False)
