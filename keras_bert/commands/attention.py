"""Shows how much each token of a text attends to each other one: a picture, a page, or numbers.

keras-bert attention --model=bert --text="He sat on the bank of the river." --output=all.png
keras-bert attention --model=bert --text="He sat on the bank." --layer=3 --head=1 --output=one.png
keras-bert attention --model=bert --text="a question" --text_b="a passage" --output=page.html

Printed are, for each token, those that it attends to the most, in the mean over the layers and
heads that are asked for.
"""

from keras_bert.commands import flags, inputs
from keras_bert.embedding.attention import AttentionSettings, attention, strongest
from keras_bert.guesses import not_said


def define(values):
    flags.define(values, AttentionSettings)


def run(values):
    asked = flags.chosen(values, AttentionSettings)
    for name in ("text", "text_b"):
        asked[name] = inputs.text_of(asked[name], f"--{name}")
    result = attention(**asked)
    width = max(map(len, result["tokens"]))
    lines = not_said(result["notes"])
    for number, token in enumerate(result["tokens"]):
        found = [f"{result['tokens'][i]} {p:.3f}" for i, p in strongest(result, number)]
        lines.append(f"{token:<{width}}  {', '.join(found)}")
    if result["output"] is not None:
        lines.append(result["output"])
    # Of all layers and heads they would fill the screen: the .json file has them.
    hidden = ("attention", "notes")
    return {name: value for name, value in result.items() if name not in hidden}, lines
