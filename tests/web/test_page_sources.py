"""What the page's sources must not have: other hosts, HTML made of texts, a weaker policy."""

import re

from environments import ROOT

WEB = ROOT / "apps" / "web"
PAGE = (WEB / "index.html").read_text(encoding="utf-8")
SOURCES = [WEB / "index.html", *(p for p in sorted((WEB / "src").rglob("*")) if p.is_file())]
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "connect-src 'self'; worker-src 'self'; img-src 'self' data:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)


def test_the_policy_is_the_strict_one():
    (found,) = re.findall(r'http-equiv="Content-Security-Policy"\s+content="([^"]*)"', PAGE)
    assert found == POLICY


def test_no_source_names_another_host():
    assert len(SOURCES) > 30
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"(?:https?:|[\"'`(])//[\w.]+", text), path


def test_texts_are_put_in_as_texts():
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|ContextualFragment"
    for path in SOURCES:
        assert not re.findall(ways, path.read_text(encoding="utf-8")), path


def test_no_style_or_script_is_inline():
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", PAGE)


def test_the_lock_file_names_no_registry():
    lock = (WEB / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 300
