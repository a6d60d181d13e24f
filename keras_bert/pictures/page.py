"""One HTML page in one file: nothing is loaded from elsewhere, and every text is escaped."""

import html
import json

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; {policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.6 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem;
  color: #1d1d1f; background: #fff; }}
h1 {{ font-size: 1.3rem; }}
.note {{ color: #666; font-size: .9rem; }}
{style}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
{script}
</body>
</html>
"""


def page(title, body, style="", script="", data=None):
    """Returns a page.

    Args:
        title: str, escaped here.
        body: str, HTML; whoever makes it escapes its texts with `escaped`.
        style: str, CSS.
        script: str, JavaScript of our own, without any data; "" for a page without scripts.
        data: what the script reads as JSON from the element `data`, or None.
    """
    policy, scripts = "style-src 'unsafe-inline'", ""
    if script:
        policy += "; script-src 'unsafe-inline'"
        scripts = f"<script>\n{script}</script>"
        if data is not None:
            element = f'<script type="application/json" id="data">{json_in_page(data)}</script>\n'
            scripts = element + scripts
    return _PAGE.format(title=escaped(title), body=body, style=style, script=scripts, policy=policy)


def escaped(text):
    """Returns a text as HTML shows it, in an element or in a quoted attribute."""
    # NUL is not allowed in HTML, not even as a reference.
    return html.escape(str(text).replace("\0", "\ufffd"), quote=True)


def json_in_page(value):
    """Returns JSON that cannot end the script element that it is in, whatever its texts are."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
