"""The pages, from what they show to HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import groupby

from enlace.domain.http import Response
from enlace.pages.layout import page
from enlace.pages.texts import TEXTS, word

HTML = "text/html; charset=utf-8"
#: Purpose, channel, and whether it is on.
Box = tuple[str, str, bool]


class Views:
    """The pages in one language.

    Parameters
    ----------
    company : str
        Whose pages they are; "" where the deployment does not say.
    """

    def __init__(self, language: str, company: str = ""):
        self._language = language
        self._texts = TEXTS[language]
        self._company = company

    def unsubscribe(self, purpose: str, channel: str) -> Response:
        """Asks whether to stop; shows a button and does nothing."""
        return self._page(
            200,
            "unsubscribe_title",
            self._about("unsubscribe_intro", purpose, channel),
            self._button("unsubscribe", "unsubscribe_button"),
        )

    def unsubscribed(self, purpose: str, channel: str, preferences: str) -> Response:
        """Says that it has stopped.

        Parameters
        ----------
        preferences : str
            Relative address of the preference page.
        """
        href, label = escape(preferences), self._("more_choices")
        more = f'<p><a class="button second" href="{href}">{label}</a></p>'
        return self._page(
            200,
            "unsubscribed_title",
            self._said(self._filled("unsubscribed", purpose, channel)),
            more,
            self._soft("always"),
        )

    def preferences(self, boxes: Iterable[Box], seen: str, said: str = "") -> Response:
        """Every choice of an address.

        Parameters
        ----------
        boxes : iterable of Box
            Those of one purpose beside each other.
        said : str
            Name of the text that tells what became of the form before; "" for none.
        """
        parts = [self._said(self._(said))] if said else []
        parts += [self._soft("preferences_intro"), '<form method="post">']
        parts.append(f'<input type="hidden" name="seen" value="{escape(seen)}">')
        for number, (purpose, group) in enumerate(groupby(boxes, key=lambda box: box[0])):
            parts.append(self._fieldset(number, purpose, list(group)))
        parts += [f'<button name="do" value="save">{self._("save")}</button>', "</form>"]
        parts += [
            f"<section>\n<h2>{self._('stop_title')}</h2>",
            self._soft("stop_intro"),
            self._button("stop_all", "stop_button", second=True),
            "</section>",
            f"<section>{self._soft('always')}</section>",
        ]
        return self._page(200, "preferences_title", *parts)

    def confirm(self, purpose: str, channel: str) -> Response:
        """Asks to confirm a double opt-in."""
        return self._page(
            200,
            "confirm_title",
            self._about("confirm_intro", purpose, channel),
            self._button("confirm", "confirm_button"),
            f"<section>{self._soft('confirm_ignore')}</section>",
        )

    def confirmed(self, purpose: str, channel: str) -> Response:
        """Says that it is confirmed."""
        said = self._said(self._filled("confirmed", purpose, channel))
        return self._page(200, "confirmed_title", said)

    def not_waiting(self) -> Response:
        """Says that there is nothing to confirm any more."""
        return self._page(410, "not_waiting_title", self._said(self._("not_waiting")))

    def unknown(self) -> Response:
        """A link that is not ours."""
        return self._page(404, "unknown_title", self._soft("unknown"))

    def unclear(self) -> Response:
        """A form that is not ours."""
        return self._page(400, "unclear_title", self._soft("unclear"))

    def later(self) -> Response:
        """A service did not answer; a reload sends the same form again."""
        # No link: it would open the page instead of sending what was chosen.
        return self._page(503, "later_title", self._said(self._("later")))

    def _page(self, status: int, title: str, *parts: str) -> Response:
        body = page(self._language, self._texts[title], "\n".join(parts), self._company)
        return Response(status, body, HTML)

    def _(self, name: str) -> str:
        return escape(self._texts[name])

    def _filled(self, name: str, purpose: str, channel: str) -> str:
        texts = self._texts[name].format(
            purpose=word(self._language, "purpose", purpose),
            channel=word(self._language, "channel", channel),
        )
        return escape(texts)

    def _about(self, name: str, purpose: str, channel: str) -> str:
        return f"<p>{self._filled(name, purpose, channel)}</p>"

    def _soft(self, name: str) -> str:
        return f'<p class="soft">{self._(name)}</p>'

    def _said(self, text: str) -> str:
        # Focused, so that it is read out also where a page is new and nothing "changed" in it.
        return f'<p class="said" role="status" tabindex="-1" autofocus>{text}</p>'

    def _button(self, do: str, name: str, *, second: bool = False) -> str:
        style = ' class="second"' if second else ""
        return (
            f'<form method="post"><button name="do" value="{do}"{style}>{self._(name)}'
            "</button></form>"
        )

    def _fieldset(self, number: int, purpose: str, boxes: list[Box]) -> str:
        about = self._texts.get(f"about_{purpose}", "")
        described = f' aria-describedby="about-{number}"' if about else ""
        hint = f'<p id="about-{number}">{escape(about)}</p>' if about else ""
        labels = "".join(
            f'<label><input type="checkbox" name="on" value="{escape(f"{purpose}|{channel}")}"'
            f"{' checked' if on else ''}><span>{escape(word(self._language, 'channel', channel))}"
            "</span></label>"
            for _, channel, on in boxes
        )
        legend = escape(word(self._language, "purpose", purpose))
        return f"<fieldset{described}><legend>{legend}</legend>{hint}{labels}</fieldset>"
