"""The story on a terminal: what happens while it happens, and at the end who knows what of whom."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from enlace.domain.money import format_money
from enlace.domain.protocol import format_protocol
from local.demo.story import Facts, Tell

_LEVEL_STYLE = {"proven": "green", "stated": "yellow", "imported": "dim"}


class Screen:
    """Shows a run.

    Parameters
    ----------
    console
        Where to; by default standard output, as plain lines where that is not a terminal.
    """

    def __init__(self, console: Console | None = None):
        # Without a terminal there is no width to fold lines at.
        width = None if sys.stdout.isatty() else 120
        self._console = console or Console(width=width, highlight=False)

    @contextmanager
    def progress(self) -> Iterator[Tell]:
        """Tells each step; on a terminal with a sign that waiting goes on."""

        def line(text: str, is_title: bool) -> None:
            self._console.print(f"\n[bold]{escape(text)}[/]" if is_title else f"  {escape(text)}")

        if not self._console.is_terminal:
            yield line
            return
        with self._console.status("playing") as status:

            def tell(text: str, is_title: bool) -> None:
                line(text, is_title)
                status.update(f"waiting until it has arrived: {escape(text)}")

            yield tell

    def show(self, facts: Facts, document: Mapping[str, Any], seconds: float) -> None:
        """The last screen: recognition, messages, CRM, contexts, protection, addresses."""
        self._recognised(facts)
        self._messages(facts)
        self._continued(facts)
        self._crm(facts)
        self._contexts(facts)
        self._protected(facts)
        self._console.print(f"\n[bold]The stack goes on running[/] (played in {seconds:.0f} s)")
        for name in ("api_url", "endpoint_url", "crm_url"):
            self._console.print(f"  {name:13} {escape(str(document[name]))}")
        self._console.print("  more:         .enlace/stack.json; make down ends it")

    def _recognised(self, facts: Facts) -> None:
        view = facts["view"]
        self._console.print("\n[bold]Who was recognised, and through which evidence[/]")
        tree = Tree(f"João da Silva, customer {view['customer_id']}")
        root = tree.add(f"phone {facts['people']['joao_phone']}")
        for item in facts["explained"]:
            branch = root.add(
                f"{escape(item['kind'])} {escape(item['value'])} {_level(item['level'])}"
            )
            for step in item["path"]:
                branch.add(escape(_evidence(step)), style="dim")
        self._console.print(tree)
        value = view["purchases"]["value"]
        spent = ", ".join(
            f"{format_money(entry['amount'], entry['currency'], 'en')} in {entry['orders']} orders"
            for entry in value
        )
        counts = ", ".join(f"{name} {n}" for name, n in view["channels"]["counts"].items())
        self._console.print(f"  bought: {escape(spent)}\n  contacts: {escape(counts)}")

    def _messages(self, facts: Facts) -> None:
        table = _table("What was sent", "medium", "to", "text")
        for mail in facts["emails"]:
            table.add_row("e-mail", ", ".join(mail["To"]), escape(mail["Subject"]))
        for text in facts["continued"]["sms"]:
            table.add_row("SMS", text["PhoneNumber"], escape(text["Message"]))
        for text in facts["stranger"]["sms"]:
            table.add_row("SMS (stranger)", text["PhoneNumber"], escape(text["Message"]))
        self._console.print(table)

    def _continued(self, facts: Facts) -> None:
        case = facts["continued"]["case"]
        table = _table(
            f"One protocol over all channels: {format_protocol(case['protocol'])}",
            "channel",
            "what came",
            "joined by",
        )
        for item in reversed(case["items"]):
            interaction = item["interaction"]
            text = interaction.get("data", {}).get("text") or interaction["type"]
            table.add_row(interaction["channel"], escape(text), item["joined_by"])
        self._console.print(table)
        self._console.print(
            f"  It is with {escape(case['assignee'])} now; the answer went to the number that"
            " the SMS came from."
        )

    def _crm(self, facts: Facts) -> None:
        undo = facts["undo"]
        table = _table("What the CRM holds", "moment", "contacts", "activities of each")
        for moment, held in (
            ("before the conciliations", facts["crm_before"]),
            ("after them", facts["crm_after"]),
            ("with the homonym, before the mistake", undo["crm_before"]),
            ("during it", undo["crm_during"]),
            ("taken back", undo["crm_after"]),
        ):
            numbers = ", ".join(str(len(notes)) for notes in held.values())
            table.add_row(moment, str(len(held)), numbers)
        self._console.print(table)
        same = undo["before"] == undo["after"]
        self._console.print(
            "  The mistake is undone exactly: both customers are what they were."
            if same
            else "  [red]The mistake was not undone exactly.[/]"
        )

    def _contexts(self, facts: Facts) -> None:
        table = _table(
            "His number calls: what each side is told", "", "an agent", "a bot (customer)"
        )
        agent, bot = facts["agent"], facts["bot"]
        for title, shown in (
            ("identifiers", _identifiers),
            ("open protocols", _protocols),
            ("last purchase", _purchase),
            ("recent", _recent),
        ):
            table.add_row(title, shown(agent), shown(bot))
        self._console.print(table)

    def _protected(self, facts: Facts) -> None:
        stranger = facts["stranger"]
        table = _table(
            "A stranger stated his CPF and e-mail", "", "an agent sees", "the stranger is told"
        )
        agent, told = stranger["agent"], stranger["customer"]
        for title, shown in (
            ("identifiers", _identifiers),
            ("open protocols", _protocols),
            ("last purchase", _purchase),
        ):
            table.add_row(title, shown(agent), shown(told))
        self._console.print(table)
        owners = facts["tablet_customers"]
        self._console.print(
            f"  The homonym stays customer {escape(owners[1])}; the shared tablet joined nobody."
        )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _level(level: str) -> str:
    return f"[{_LEVEL_STYLE.get(level, 'dim')}]{level}[/]"


def _evidence(step: Mapping[str, Any]) -> str:
    ends = " and ".join(str((step[end] or {}).get("kind")) for end in ("from", "to"))
    parts = [
        f"{source['level']} by {source['channel']}, event {source['event_id']}"
        for source in step["sources"]
    ]
    parts += [
        f"operator's decision {made['conciliation_id']}"
        f" ({'verified' if made['verified'] else 'believed'})"
        for made in step["decisions"]
    ]
    return f"{ends}: {'; '.join(parts)}"


def _identifiers(context: Mapping[str, Any]) -> str:
    return "\n".join(
        f"{escape(i['kind'].partition(':')[0])} {escape(i['value'])} {_level(i['level'])}"
        for i in context["identifiers"]
    )


def _protocols(context: Mapping[str, Any]) -> str:
    return "\n".join(format_protocol(case["protocol"]) for case in context["open_protocols"]) or "-"


def _purchase(context: Mapping[str, Any]) -> str:
    last = context["last_purchase"]
    if not last:
        return "-"
    value = last["value"]
    return escape(f"{last['order_id']}, {format_money(value['amount'], value['currency'], 'en')}")


def _recent(context: Mapping[str, Any]) -> str:
    return "\n".join(
        f"{escape(item['channel'])}: {escape(item.get('text') or item['type'])}"
        for item in context["recent"]
    )
