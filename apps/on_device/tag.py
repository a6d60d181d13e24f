"""Tags the words of sentences with a .tflite file alone: no TensorFlow, no Keras.

    keras-bert-device tag --model=tagger.tflite "a sentence" "another"
    keras-bert-device tag --model=tagger.tflite --input=sentences.txt --json

The output is CoNLL: each line has a word, a tab and its tag, and a blank line ends each sentence.
Comments before it hold the sentence, the milliseconds and the entities with their characters.
On a terminal each sentence is one line, with its entities coloured and their types behind them.
Without sentences it reads standard input, one a line; on a terminal it asks for them.
"""

from keras_bert.device import common, texts
from keras_bert.tasks.tagging.schemes import letter_and_type


def define(parser):
    """Adds the arguments that only this verb has."""
    common.define_input(parser)
    parser.add_argument("sentences", nargs="*", help="sentences; without any: --input, or stdin")


def run(arguments, printer):
    """Prints the words with their tags, and the entities, of each sentence."""
    model = common.open_model(arguments, "tag")
    tags = map(letter_and_type, model.config.labels)
    types = sorted({type_ for letter, type_ in tags if letter != "O"})

    def ask(sentence, name):
        answer, time = common.timed(name, model.predict, sentence)
        if printer.is_json:
            printer.record(answer, time)
        elif printer.style.for_person:
            _print_marked(printer, sentence, answer, types, time)
        else:
            _print_conll(printer, sentence, answer, time)

    texts.for_each(arguments, arguments.sentences, ask, "sentence", printer.complain)


def _print_marked(printer, sentence, answer, types, time):
    style = printer.style
    if "entities" in answer:
        found = style.entities_in(sentence, answer["entities"], types)
    else:
        found = style.tagged(answer["words"], answer["tags"])
    print(found, style.dim(common.milliseconds(time)), sep="\t")


def _print_conll(printer, sentence, answer, time):
    printer.columns("# text", time=time, text=sentence)
    line = printer.style.line
    for entity in answer.get("entities", ()):
        place, probability = f"{entity['start']}-{entity['end']}", entity["probability"]
        print(f"# {entity['type']}", f"{probability:.4f}", place, line(entity["text"]), sep="\t")
    for word, tag in zip(answer["words"], answer["tags"]):
        print(word, tag, sep="\t")
    print()
