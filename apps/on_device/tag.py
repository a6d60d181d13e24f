"""Tags the words of sentences with a .tflite file alone: no TensorFlow, no Keras.

    python tag.py --model=tagger.tflite "a sentence" "another"

The output is CoNLL: a word, a tab and its tag a line, a blank line after each sentence; sentence,
milliseconds and the entities, with their characters of the sentence, stand before it as comments.
What must be installed stands in requirements.txt; this package comes beside it with
`pip install --no-deps`.
"""

import sys

import device


def main(argv=None):
    """Prints words with their tags, and entities; returns the exit status."""
    parser = device.parser_of("Tag the words of sentences on the device.")
    parser.add_argument("sentences", nargs="*", help="without any, one a line of stdin")
    return device.exit_status(_run, parser.parse_args(argv))


def _run(arguments):
    model = device.open_model(arguments, "tagging")
    for sentence, name in device.texts_of(arguments.sentences):
        answer, time = device.timed(name, model.predict, sentence)
        print("# text", time, device.one_line(sentence), sep="\t")
        for entity in answer.get("entities", ()):
            place, probability = f"{entity['start']}-{entity['end']}", entity["probability"]
            text = device.one_line(entity["text"])
            print(f"# {entity['type']}", f"{probability:.4f}", place, text, sep="\t")
        for word, tag in zip(answer["words"], answer["tags"]):
            print(word, tag, sep="\t")
        print()


if __name__ == "__main__":
    sys.exit(main())
