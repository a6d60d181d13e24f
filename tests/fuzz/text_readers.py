"""The readers of texts and labels: for each its files, how to damage them, and what reads them."""

import json

import mutations

from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import get_task

TABLE = (
    "text,label,note\n"
    'a good film,positive,"said, in ""quotes"""\n'
    '"two\nlines, é 中",negative,\n'
    "dull,negative,3\na superb cast,positive,4\nnaïve café 😀,positive,\n"
)
PAIRS = "sentence1\tsentence2\tlabel\tscore\n" + "".join(
    f"a {a} man\tthe man is {a}\t{label}\t{i / 2}\n"
    for i, (a, label) in enumerate((("tall", "yes"), ("old", "no"), ("kind", "yes"), ("sad", "no")))
)
LINES = [
    {"text": "a good film", "label": "positive", "n": 1.5},
    {"text": "二 字", "label": "negative", "labels": ["a", "b"]},
    {"text": "dull \ud83d\ude00", "label": "negative", "choices": ["x", "y"]},
]
JSON_LINES = "".join(json.dumps(line) + "\n" for line in LINES)
CONLL = (
    "-DOCSTART- -X- O\n\n# comment\nJohn NNP B-PER\nlives VBZ O\nin IN O\nParis NNP B-LOC\n\n"
    "Mary NNP B-PER\nSmith NNP I-PER\nsings VBZ O\n\n东 X B-LOC\n京 X I-LOC\n"
)
TOKENS = "".join(
    json.dumps({"tokens": ["John", "lives", "here"], "ner_tags": tags}) + "\n"
    for tags in (["B-PER", "O", "O"], ["B-PER", "O", "B-LOC"])
)
CONLLU = (
    "# sent_id = 1\n# text = vámonos al mar\n"
    "1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tvamos\tir\tVERB\t_\tMood=Imp\t0\troot\t_\t_\n2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_\n"
    "2.1\tx\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "3\tmar\tmar\tNOUN\tN\t_\t1\tobl\t_\tSpaceAfter=No\n\n"
    "1\tHola\thola\tINTJ\t_\t_\t0\troot\t_\t_\n\n"
)
SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "Normans",
            "paragraphs": [
                {
                    "context": "The Normans were in Normandy, a region in France. Café 中 😀.",
                    "qas": [
                        {"id": "a", "question": "Where?", "is_impossible": False,
                         "answers": [{"text": "France", "answer_start": 42}]},
                        {"id": "b", "question": "When?", "is_impossible": True, "answers": [],
                         "plausible_answers": [{"text": "x", "answer_start": 1}]},
                    ],
                },
                {"context": "Another one.", "qas": [
                    {"id": 3, "question": "Who?", "answers": [{"text": "one", "answer_start": 8}]},
                ]},
            ],
        }
    ],
}  # fmt: skip
FLAT = {
    "data": [
        {"id": "x", "title": "t", "context": "The sky is blue.", "question": "Colour?",
         "answers": {"text": ["blue"], "answer_start": [11]}},
        {"id": "y", "context": "The sky is blue.", "question": "?",
         "answers": {"text": [], "answer_start": []}},
    ]
}  # fmt: skip
PREDICTIONS = {"a": "France", "b": "", "3": "one"}
CHOICES = "".join(
    json.dumps(row) + "\n"
    for row in (
        {"text": "He sat", "choices": ["down", "up", "x"], "label": 0},
        {"text": "She ran", "choices": ["a", "b", "c"], "label": "2", "question": "why"},
    )
)
SWAG = (
    "sent1,sent2,ending0,ending1,ending2,ending3,label\n"
    'A man,He,sits,"runs, fast",falls,sings,1\nA dog,,barks,eats,sleeps,plays,0\n'
)
RACE = {
    "article": "A long text.", "questions": ["Who?", "Why _ ?"],
    "options": [["a", "b", "c", "d"], ["e", "f", "g", "h"]], "answers": ["A", "D"],
}  # fmt: skip
CORPUS = "The first document.\nIts second line.\n\n\nThe second; café 中文.\n\nThird\n"


def _reads(task, name, **layout):
    """Returns a function that reads a file as a command would, with labels and without."""

    def read(path):
        reader, where = get_task(task), FileLayout(**layout)
        if not name.startswith("unlabelled"):
            examples = reader.read(path, where, True)
            reader.config_fields(examples, {})
            examples.keys() if hasattr(examples, "keys") else None
        else:
            reader.read(path, where, False)

    return read


def _read_predictions(path):
    from keras_bert.tasks.question_answering.metrics import read_predictions

    read_predictions(path)


def _read_vocabulary(path):
    from keras_bert.text.tokenizer import WordPieceTokenizer, guess_lower_case, load_vocabulary

    tokens = load_vocabulary(path)
    tokenizer = WordPieceTokenizer(tokens, lower_case=guess_lower_case(tokens))
    tokenizer.encode("a good film, é")


def _read_corpus(path):
    from keras_bert.pretraining import corpus

    for piece in corpus.scan(path, f"{path}.copy", 40):
        for _ in corpus.read_documents(piece):
            pass


def _read_log(path):
    from keras_bert.training import curves

    curves.read_log(path)


def _text(content):
    return (content if isinstance(content, str) else json.dumps(content)).encode()


_CSV, _GZ = mutations.TEXT, ("gzip",)
_JSON, _JSONL = mutations.TEXT_JSON, mutations.TEXT_JSON_LINES
_GLUE = {
    "cola": ("gj04\t1\t\tOur friends.", "gj04\t0\t*\tThey drank the pub."),
    "sst2": ("sentence\tlabel", "a gorgeous film \t1", "dull \t0"),
    "mrpc": (
        "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String", '1\t1\t2\tHe "said\tHe said',
        "0\t3\t4\ta\tb",
    ),
    "stsb": (
        "index\tgenre\tsentence1\tsentence2\tscore", "0\tx\ta plane\tan air plane\t5.000",
        "1\tx\ta\tb\t0.2",
    ),
    "qqp": (
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate", "1\t2\t3\tHow?\tWhy?\t0",
        "2\t3\t4\ta\tb\t1",
    ),
    "mnli": (
        "index\tsentence1\tsentence2\tlabel1\tgold_label", "0\ta\tb\tneutral\tneutral",
        "1\tc\td\tx\tentailment",
    ),
    "qnli": (
        "index\tquestion\tsentence\tlabel", "0\tWhat?\tThat.\tentailment",
        "1\tWho?\tHe.\tnot_entailment",
    ),
    "rte": ("index\tsentence1\tsentence2\tlabel", "0\ta\tb\tentailment", "1\tc\td\tnot_entailment"),
}  # fmt: skip

# Name: (file name, content, kinds of damage, function of the path).
READERS = {
    "csv": ("x.csv", TABLE, _CSV, _reads("classification", "csv")),
    "csv_unlabelled": ("x.csv", TABLE, _CSV, _reads("classification", "unlabelled")),
    "tsv": ("x.tsv", PAIRS, _CSV, _reads("classification", "tsv")),
    "tsv_no_header": (
        "x.tsv", PAIRS.partition("\n")[2], _CSV,
        _reads("classification", "tsv", columns=["text", "text_b", "label", "score"]),
    ),
    "jsonl": ("x.jsonl", JSON_LINES, _JSONL, _reads("classification", "jsonl")),
    "json_list": ("x.json", LINES, _JSON, _reads("classification", "json")),
    "no_ending": ("x.data", TABLE, _CSV, _reads("classification", "csv")),
    "csv_gz": ("x.csv.gz", TABLE, _GZ, _reads("classification", "csv")),
    "jsonl_gz": ("x.jsonl.gz", JSON_LINES, _GZ, _reads("classification", "jsonl")),
    "regression": (
        "x.tsv", PAIRS, _CSV, _reads("regression", "tsv", label_column="score"),
    ),
    "multi_label": (
        "x.csv", "text,labels\na b,x|y\nc,\nd,y\n", _CSV, _reads("multi_label", "csv"),
    ),
    "multi_label_columns": (
        "x.csv", "text,toxic,rude\na b,0,1\nc,1,1\nd,0,0\n", _CSV,
        _reads("multi_label", "csv", label_columns=["toxic", "rude"]),
    ),
    "multi_label_jsonl": (
        "x.jsonl", JSON_LINES.replace('"labels"', '"label"'), _JSONL,
        _reads("multi_label", "jsonl"),
    ),
    "conll": ("x.conll", CONLL, _CSV, _reads("tagging", "conll")),
    "conll_txt": ("x.txt", CONLL, _CSV, _reads("tagging", "unlabelled")),
    "conll_gz": ("x.conll.gz", CONLL, _GZ, _reads("tagging", "conll")),
    "conllu": ("x.conllu", CONLLU, _CSV, _reads("tagging", "conllu")),
    "conllu_feats": ("x.conllu", CONLLU, _CSV, _reads("tagging", "conllu", tag_column="feats")),
    "tokens_jsonl": ("x.jsonl", TOKENS, _JSONL, _reads("tagging", "jsonl")),
    "tokens_unlabelled": ("x.jsonl", JSON_LINES, _JSONL, _reads("tagging", "unlabelled")),
    "squad": ("x.json", SQUAD, _JSON, _reads("squad2", "squad")),
    "squad_search": (
        "x.json", SQUAD, _JSON, _reads("question_answering", "squad", misaligned="search"),
    ),
    "squad_flat": ("x.json", FLAT, _JSON, _reads("squad2", "squad")),
    "squad_unlabelled": ("x.json", SQUAD, _JSON, _reads("squad1", "unlabelled")),
    "squad_gz": ("x.json.gz", SQUAD, _GZ, _reads("squad2", "squad")),
    "questions_table": (
        "x.csv", "id,question,context\n1,Who?,A man\n2,Why?,A man\n", _CSV,
        _reads("question_answering", "unlabelled"),
    ),
    "predictions": ("x.json", PREDICTIONS, _JSON, _read_predictions),
    "choices": ("x.jsonl", CHOICES, _JSONL, _reads("multiple_choice", "jsonl")),
    "swag": ("x.csv", SWAG, _CSV, _reads("multiple_choice", "csv")),
    "race": ("x.json", RACE, _JSON, _reads("multiple_choice", "json")),
    "vocabulary": (
        "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\ngood\nfilm\n中\n\u2028\n", _CSV,
        _read_vocabulary,
    ),
    "corpus": ("x.txt", CORPUS, _CSV, _read_corpus),
    "corpus_jsonl": ("x.jsonl", JSON_LINES, _JSONL, _read_corpus),
    "corpus_gz": ("x.txt.gz", CORPUS, _GZ, _read_corpus),
    **{
        f"glue_{name}": (f"{name}.tsv", "\n".join(lines), _CSV, _reads(f"glue/{name}", "tsv"))
        for name, lines in _GLUE.items()
    },
}  # fmt: skip
READERS = {
    name: (file, _text(content), kinds, read)
    for name, (file, content, kinds, read) in READERS.items()
}
