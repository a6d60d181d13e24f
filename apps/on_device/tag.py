"""Tags the words of sentences with a .tflite file alone: no TensorFlow, no Keras.

    keras-bert-device tag --model=tagger.tflite "a sentence" "another"

The output is CoNLL: each line has a word, a tab and its tag, and a blank line ends each sentence.
Comments before it hold the sentence, the milliseconds and the entities with their characters.
"""

from keras_bert.device import common


def define(parser):
    """Adds the arguments that only this verb has."""
    parser.add_argument(
        "sentences", nargs="*", help="sentences; without any, each line of stdin is one"
    )


def run(arguments):
    """Prints the words with their tags, and the entities, of each sentence."""
    model = common.open_model(arguments, "tag")
    for sentence, name in common.texts_of(arguments.sentences):
        answer, time = common.timed(name, model.predict, sentence)
        print("# text", time, common.one_line(sentence), sep="\t")
        for entity in answer.get("entities", ()):
            place, probability = f"{entity['start']}-{entity['end']}", entity["probability"]
            text = common.one_line(entity["text"])
            print(f"# {entity['type']}", f"{probability:.4f}", place, text, sep="\t")
        for word, tag in zip(answer["words"], answer["tags"]):
            print(word, tag, sep="\t")
        print()
