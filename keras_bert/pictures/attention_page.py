"""Attention as a page: choose layer and head, point at a token to see what it attends to."""

from keras_bert.pictures.page import page

_BODY = """\
<p class="note">Layer <select id="layer"></select> Head <select id="head"></select>
Point at a token: the darker another one, the more this token attends to it.</p>
<p id="tokens"></p>
<p class="note" id="strongest">&nbsp;</p>
<table id="matrix"></table>"""
_STYLE = """\
#tokens span { display: inline-block; padding: .1rem .35rem; margin: .1rem; border-radius: .25rem;
  cursor: default; border: 1px solid transparent; }
#tokens span.second { text-decoration: underline; text-underline-offset: .25rem; }
#tokens span.chosen { border-color: #3f007d; font-weight: 600; }
#matrix { border-spacing: 1px; font-size: .7rem; line-height: 1.1; }
#matrix th { font-weight: 400; text-align: right; padding-right: .3rem; white-space: nowrap; }
#matrix thead th { writing-mode: vertical-rl; text-align: left; padding: .3rem 0; }
#matrix td { width: 1.1rem; min-width: .6rem; height: 1.1rem; }"""
_SCRIPT = """\
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const colour = (p) => `rgba(84, 39, 143, ${Math.sqrt(p).toFixed(3)})`;
let chosen = null;

function fill(select, name, numbers) {
  if (numbers.length > 1) select.add(new Option(`mean of all ${name}s`, "mean"));
  numbers.forEach((number, index) => select.add(new Option(number, index)));
}

function matrix() {
  const some = (select, all) =>
    select.value === "mean" ? all.map((_, index) => index) : [Number(select.value)];
  const layers = some(byId("layer"), data.layers), heads = some(byId("head"), data.heads);
  const count = layers.length * heads.length;
  return data.tokens.map((_, row) => data.tokens.map((_, column) => {
    let sum = 0;
    for (const layer of layers) for (const head of heads)
      sum += data.attention[layer][head][row][column];
    return sum / count;
  }));
}

function show() {
  const values = matrix(), spans = [...byId("tokens").children];
  spans.forEach((span, index) => {
    span.className = data.segment_ids[index] ? "second" : "";
    if (index === chosen) span.classList.add("chosen");
    span.style.background = chosen === null ? "" : colour(values[chosen][index]);
    span.style.color = chosen !== null && values[chosen][index] > 0.3 ? "#fff" : "";
  });
  if (chosen !== null) {
    const order = data.tokens.map((_, index) => index)
      .sort((a, b) => values[chosen][b] - values[chosen][a]).slice(0, 5);
    byId("strongest").textContent = `${data.tokens[chosen]} attends to ` +
      order.map((index) => `${data.tokens[index]} ${values[chosen][index].toFixed(3)}`).join(", ");
  }
  const table = byId("matrix");
  table.replaceChildren();
  const head = table.createTHead().insertRow();
  head.insertCell();
  for (const token of data.tokens) {
    const cell = document.createElement("th");
    cell.textContent = token;
    head.append(cell);
  }
  const body = table.createTBody();
  values.forEach((row, index) => {
    const line = body.insertRow(), name = document.createElement("th");
    name.textContent = data.tokens[index];
    line.append(name);
    row.forEach((value, column) => {
      const cell = line.insertCell();
      cell.style.background = colour(value);
      cell.title = `${data.tokens[index]} \\u2192 ${data.tokens[column]}: ${value.toFixed(4)}`;
    });
    line.onmouseenter = () => choose(index);
  });
}

function choose(index) {
  if (index === chosen) return;
  chosen = index;
  show();
}

fill(byId("layer"), "layer", data.layers);
fill(byId("head"), "head", data.heads);
data.tokens.forEach((token, index) => {
  const span = document.createElement("span");
  span.textContent = token;
  span.tabIndex = 0;
  span.onmouseenter = span.onfocus = () => choose(index);
  byId("tokens").append(span);
});
byId("layer").onchange = byId("head").onchange = show;
show();
"""


def attention_page(data, title):
    """Returns the page, a str.

    Args:
        data: dict of `tokens`, `segment_ids`, `layers`, `heads` and `attention`, lists of numbers
            and str; see `keras_bert.embedding.attention.attention`.
        title: str.
    """
    return page(f"Attention: {title}", _BODY, _STYLE, _SCRIPT, data)
