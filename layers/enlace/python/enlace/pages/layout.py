"""The frame of every page: one style, no script, nothing from elsewhere.

Contrast is 4.5:1 or more in the light and in the dark; what can be pressed is 44 pixels high
(WCAG 2.2, 1.4.3 and 2.5.5).
"""

from __future__ import annotations

import base64
import hashlib
from html import escape

from enlace.pages.texts import NAMES, TEXTS

STYLE = """
:root{color-scheme:light dark;--paper:#f3f5f4;--card:#fff;--ink:#16211d;--soft:#4c5a54;
--line:#cfd8d3;--brand:#0b6b4f;--on-brand:#fff;--tint:#e4f2ec;--ring:#0b57d0}
@media (prefers-color-scheme:dark){:root{--paper:#101613;--card:#19211d;--ink:#eef3f0;
--soft:#b3c0b9;--line:#3a4741;--brand:#6fd6ae;--on-brand:#06281c;--tint:#1d3329;--ring:#a8c7fa}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);min-height:100vh;display:flex;
flex-direction:column;align-items:center;padding:1.25rem 1rem 2rem;
font:1.0625rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
nav,main,footer{width:100%;max-width:36rem}
nav ul{display:flex;flex-wrap:wrap;justify-content:flex-end;gap:.25rem;list-style:none;margin:0 0 .75rem;padding:0}
nav a{display:inline-flex;align-items:center;min-height:2.75rem;padding:0 .8rem;border-radius:999px;
color:var(--soft);font-size:.95rem;text-decoration:none}
nav a:hover{text-decoration:underline}
nav a[aria-current]{background:var(--tint);color:var(--ink);font-weight:600}
main{background:var(--card);border:1px solid var(--line);border-radius:1rem;padding:1.5rem;
box-shadow:0 1px 2px rgb(0 0 0/.05),0 8px 24px rgb(0 0 0/.06)}
@media (min-width:40rem){body{padding-top:3rem}main{padding:2.25rem 2.5rem}}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem;text-wrap:balance;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:0 0 .25rem}
p{margin:0 0 1rem}
.soft{color:var(--soft)}
fieldset{border:1px solid var(--line);border-radius:.75rem;margin:0 0 1rem;padding:.25rem 1rem .5rem;min-width:0}
legend{font-weight:600;padding:0 .4rem;margin-left:-.4rem}
legend::first-letter,label span::first-letter{text-transform:uppercase}
fieldset p{margin:0 0 .25rem;font-size:.95rem;color:var(--soft)}
label{display:flex;align-items:center;gap:.75rem;min-height:2.75rem;cursor:pointer}
label span{display:inline-block}
label+label{border-top:1px solid var(--line)}
input[type=checkbox]{flex:none;width:1.35rem;height:1.35rem;margin:0;accent-color:var(--brand)}
button,.button{display:inline-flex;align-items:center;justify-content:center;min-height:2.75rem;padding:.5rem 1.25rem;
border-radius:.6rem;border:2px solid var(--brand);background:var(--brand);color:var(--on-brand);
font:inherit;font-weight:600;cursor:pointer;text-decoration:none}
button:hover,.button:hover{filter:brightness(1.08)}
button.second,.button.second{background:transparent;color:var(--brand)}
@media (max-width:30rem){button,.button{width:100%}}
:focus-visible{outline:3px solid var(--ring);outline-offset:3px;border-radius:.4rem}
.said{background:var(--tint);border-left:4px solid var(--brand);border-radius:.4rem;padding:.75rem 1rem;margin:1rem 0 1.25rem}
.said:focus{outline:none}
main>:last-child,section>:last-child{margin-bottom:0}
section{border-top:1px solid var(--line);margin-top:1.75rem;padding-top:1.25rem}
form{margin:0}
footer{margin-top:1rem;text-align:center;font-size:.9rem;color:var(--soft)}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

#: Of every page. The address of a page is its secret: no other site may learn it, no cache and
#: no search engine may keep it, and no other site may show the page and have it pressed.
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}


def page(language: str, title: str, main: str, company: str = "") -> str:
    """A whole document.

    Parameters
    ----------
    title : str
        Plain text.
    main : str
        HTML; whoever makes it escapes what is not ours.
    """
    texts = TEXTS[language]
    current = ' aria-current="true"'
    links = "".join(
        f'<li><a href="?lang={tag}" lang="{tag}" hreflang="{tag}"'
        f"{current if tag == language else ''}>{name}</a></li>"
        for tag, name in NAMES.items()
    )
    by = escape(texts["by"].format(name=company)) if company else ""
    switch = escape(texts["languages"])
    footer = f"<footer>{by}</footer>" if by else ""
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<nav aria-label="{switch}"><ul>{links}</ul></nav>\n'
        f"<main>\n<h1>{escape(title)}</h1>\n{main}\n</main>\n{footer}\n</body>\n</html>\n"
    )
