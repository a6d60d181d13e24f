"""GLUE's files in their own layouts, what is refused in them, and what goes to the site."""

import gzip
import types

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.file_layout import FileLayout
from keras_bert.tasks.registry import get_task
from keras_bert.tasks.sequence.glue import LAYOUTS
from keras_bert.tasks.splitting import hold_out

BOM = "\ufeff"
PARSES = "( a ) )\t( b )\t(ROOT a)\t(ROOT b)"

# For each task: a labelled file as the download has it, and the texts and labels in it.
LABELLED = {
    "cola": (
        'gj04\t1\t\tOur friends won\'t buy "this.\ngj04\t0\t*\tThe more one.\n',
        [('Our friends won\'t buy "this.', None), ("The more one.", None)],
        ["1", "0"],
    ),
    "sst2": (
        'sentence\tlabel\n`` hide " new \t0\nthat loves its characters \t1\n',
        [('`` hide " new ', None), ("that loves its characters ", None)],
        ["0", "1"],
    ),
    "mrpc": (
        BOM + "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"
        '1\t1355540\t1355592\tHe said so .\t" The pie business .\n0\t2\t3\tA, "b\tC " d " .\n',
        [("He said so .", '" The pie business .'), ('A, "b', 'C " d " .')],
        ["1", "0"],
    ),
    "stsb": (
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
        '0\tmain-captions\tMSRvid\t2012test\t0000\tnone\tnone\tA "man.\tA man.\t5.000\n'
        "1\tmain-news\theadlines\t2013\t0002\tnone\tnone\tA child.\tNo.\t0.25\n",
        [('A "man.', "A man."), ("A child.", "No.")],
        [5.0, 0.25],
    ),
    "qqp": (
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
        '133273\t213221\t213222\tHow is "life?\tWhy?\t0\n402555\t1\t2\tWho?\tWhom?\t1\n',
        [('How is "life?', "Why?"), ("Who?", "Whom?")],
        ["0", "1"],
    ),
    "mnli": (
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
        "sentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tlabel2\tlabel3\tlabel4\t"
        f"label5\tgold_label\n0\t63735\t63735n\tslate\t{PARSES}\tThe new rights.\tn/a\t"
        "neutral\tentailment\tneutral\tneutral\tneutral\tneutral\n"
        f"1\t91383\t91383c\tslate\t{PARSES}\tThis site.\tNone\t"
        "contradiction\tentailment\tneutral\tcontradiction\tcontradiction\tcontradiction\n",
        [("The new rights.", "n/a"), ("This site.", "None")],
        ["neutral", "contradiction"],
    ),
    "qnli": (
        "index\tquestion\tsentence\tlabel\n0\tWhat came?\tAs of \"that day.\tentailment\n"
        "1\tWhich city?\tThe Ill.\tnot_entailment\n",
        [("What came?", 'As of "that day.'), ("Which city?", "The Ill.")],
        ["entailment", "not_entailment"],
    ),
    "rte": (
        "index\tsentence1\tsentence2\tlabel\n0\tNo Weapons.\tWeapons.\tnot_entailment\n"
        "1\tA place.\tA \"Pope.\tentailment\n",
        [("No Weapons.", "Weapons."), ("A place.", 'A "Pope.')],
        ["not_entailment", "entailment"],
    ),
    "wnli": (
        "index\tsentence1\tsentence2\tlabel\n0\tI stuck it.\tIt hid.\t1\n1\tJohn.\tBilly.\t0\n",
        [("I stuck it.", "It hid."), ("John.", "Billy.")],
        ["1", "0"],
    ),
}  # fmt: skip

_STSB_TEST = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\n"
# The test files: their text, and what the rows 0 and 7 ask.
TESTS = {
    "cola": ("index\tsentence\n0\tBill whistled.\n7\tI \"know.\n", "Bill whistled.", None),
    "sst2": ("index\tsentence\n0\tuneasy mishmash .\n7\tdull .\n", "uneasy mishmash .", None),
    "mrpc": (
        BOM + "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t1\t2\tPCCW\tMr So\n7\t3\t4\ta\tb\n",
        "PCCW", "Mr So",
    ),
    "stsb": (
        _STSB_TEST + "0\tmain\tMSRvid\t2012\t0024\tnone\tnone\tA girl.\tA boy.\n"
        "7\tmain\tMSRvid\t2012\t0033\tnone\tnone\tA man.\tA cat.\n",
        "A girl.", "A boy.",
    ),
    "qqp": ("id\tquestion1\tquestion2\n0\tIs it?\t\n7\tWhy?\tHow?\n", "Is it?", ""),
    "mnli": (
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
        f"sentence1_parse\tsentence2_parse\tsentence1\tsentence2\n0\t1\t1\ttravel\t{PARSES}\tA.\tB.\n"
        f"7\t2\t2\ttravel\t{PARSES}\tC.\tD.\n",
        "A.", "B.",
    ),
    "qnli": ("index\tquestion\tsentence\n0\tWhat?\tPalms.\n7\tWho?\tHe.\n", "What?", "Palms."),
    "rte": ("index\tsentence1\tsentence2\n0\tMangla.\tIn Goa.\n7\tA.\tB.\n", "Mangla.", "In Goa."),
    "wnli": ("index\tsentence1\tsentence2\n0\tMaude.\tDora.\n7\tA.\tB.\n", "Maude.", "Dora."),
}  # fmt: skip


def make(folder, name, text):
    path = folder / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return str(path)


def read(key, path, labelled=True, **flags):
    return get_task(f"glue/{key}").read(path, FileLayout(**flags), labelled)


@pytest.mark.parametrize("name", ["dev.tsv", "train.tsv.gz"])
@pytest.mark.parametrize("key", LABELLED)
def test_labelled_files_are_read_as_the_download_has_them(tmp_path, key, name):
    text, pairs, labels = LABELLED[key]
    found = read(key, make(tmp_path, name, text))
    assert found.texts == [a for a, _ in pairs]
    assert found.texts_b == (None if pairs[0][1] is None else [b for _, b in pairs])
    assert found.labels == labels
    first = 1 if key == "cola" else 2
    assert found.lines == [first, first + 1]
    # Windows line ends and a last line without one change nothing.
    other = read(key, make(tmp_path, "dos.tsv", text.rstrip("\n").replace("\n", "\r\n")))
    assert (other.texts, other.texts_b, other.labels) == (found.texts, found.texts_b, labels)


@pytest.mark.parametrize("key", TESTS)
def test_test_files_are_read_with_their_indices(tmp_path, key):
    text, first, second = TESTS[key]
    found = read(key, make(tmp_path, "test.tsv", text), labelled=False)
    assert (found.texts[0], found.texts_b and found.texts_b[0]) == (first, second)
    assert (found.indices, found.labels, len(found)) == (["0", "7"], None, 2)
    assert found.take([1]).indices == ["7"]
    # Nobody can be scored on it.
    with pytest.raises(InputError, match=r"test\.tsv: no label column"):
        read(key, str(tmp_path / "test.tsv"))


@pytest.mark.parametrize("key", LABELLED)
def test_config_of_a_training(tmp_path, key):
    task = get_task(f"glue/{key}")
    fields = task.config_fields(read(key, make(tmp_path, "a.tsv", LABELLED[key][0])), {})
    assert fields["pair"] is (key not in ("cola", "sst2"))
    assert fields.get("labels", ()) == LAYOUTS[key].labels
    assert task.kind == ("regression" if key == "stsb" else "classification")
    assert task.name == f"glue/{key}"
    assert get_task(task.name).metrics(None) == LAYOUTS[key].metrics


def config(key, **fields):
    layout = LAYOUTS[key]
    settings = {} if layout.labels else {"mean": 2.5, "scale": 1.0}
    known = {"labels": layout.labels, "pair": len(layout.texts) == 2, "settings": settings}
    return types.SimpleNamespace(**{"file_labels": (), **known, **fields})


SUBMITTED = {
    "cola": ("1", "0"), "sst2": ("0", "1"), "mrpc": ("1", "1"), "qqp": ("0", "0"),
    "mnli": ("neutral", "contradiction"), "qnli": ("not_entailment", "entailment"),
    "rte": ("entailment", "not_entailment"), "wnli": ("0", "1"),
}  # fmt: skip


@pytest.mark.parametrize("key", SUBMITTED)
def test_submissions_byte_for_byte(tmp_path, key):
    task = get_task(f"glue/{key}")
    examples = read(key, make(tmp_path, "test.tsv", TESTS[key][0]), labelled=False)
    labels = LAYOUTS[key].labels
    outputs = {"probability": [np.eye(len(labels))[labels.index(x)] for x in SUBMITTED[key]]}
    answers = task.answers(outputs, None, examples, config(key))
    first, second = SUBMITTED[key]
    found = task.submission(answers, examples, config(key))
    assert found == f"index\tprediction\n0\t{first}\n7\t{second}\n"


def test_submission_of_scores_is_clipped_and_rounded(tmp_path):
    task = get_task("glue/stsb")
    examples = read("stsb", make(tmp_path, "test.tsv", TESTS["stsb"][0]), labelled=False)
    for values, written in (((5.7, -0.2), "5.000 0.000"), ((3.14159, 0.0006), "3.142 0.001")):
        answers = [{"value": value} for value in values]
        lines = task.submission(answers, examples, config("stsb")).split("\n")
        assert lines == ["index\tprediction", *(
            f"{i}\t{w}" for i, w in zip((0, 7), written.split())
        ), ""]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "file", "name"),
    [
        ("mnli", "test_matched.tsv", "MNLI-m.tsv"), ("mnli", "test_mismatched.tsv", "MNLI-mm.tsv"),
        ("mnli", "diagnostic.tsv", "AX.tsv"), ("cola", "test.tsv", "CoLA.tsv"),
        ("sst2", "test.tsv", "SST-2.tsv"), ("mrpc", "test.tsv", "MRPC.tsv"),
        ("stsb", "test.tsv", "STS-B.tsv"), ("qqp", "test.tsv", "QQP.tsv"),
        ("qnli", "test.tsv", "QNLI.tsv"), ("rte", "diagnostic.tsv", "RTE.tsv"),
        ("wnli", "test.tsv", "WNLI.tsv"),
    ],
)  # fmt: skip
def test_names_of_submissions(tmp_path, key, file, name):
    examples = read(key, make(tmp_path, file, TESTS[key][0]), labelled=False)
    assert get_task(f"glue/{key}").submission_file(examples) == name


def test_the_diagnostic_file_is_answered_by_mnli(tmp_path):
    text = "index\tsentence1\tsentence2\n0\tThe cat sat.\tThe cat did not sit.\n"
    found = read("mnli", make(tmp_path, "diagnostic.tsv", text), labelled=False)
    assert (found.texts, found.texts_b) == (["The cat sat."], ["The cat did not sit."])
    assert found.indices == ["0"]


def test_a_csv_of_one_column_is_csv(tmp_path):
    text = 'sentence\n"Hello, ""good"" movie"\n"two\nlines"\n'
    found = read("sst2", make(tmp_path, "one.csv", text), labelled=False)
    assert found.texts == ['Hello, "good" movie', "two\nlines"]


def test_a_submission_needs_the_indices_of_the_test_file(tmp_path):
    task = get_task("glue/sst2")
    for name, text in (("dev.tsv", LABELLED["sst2"][0]), ("a.csv", "sentence\na\nb\n")):
        examples = read("sst2", make(tmp_path, name, text), labelled=False)
        with pytest.raises(InputError, match=rf"{name}: no column 'index'.*test file"):
            task.submission([{"label": "0"}] * 2, examples, config("sst2"))


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("cola", "gj04\t1\t\tA.\ngj04\t2\t\tB.\n", r":2: label '2' is .* glue/cola's \(0, 1\)"),
        ("cola", "gj04\t2\t\tA.\ngj04\t1\t\tB.\n", r":1: label '2' is .* leave the row out"),
        ("cola", "gj04\t1\t\tA.\ngj04\t1\tB.\n", ":2: 3 fields where there are 4 columns"),
        ("cola", "gj04\t1\tA.\ngj04\t1\tB.\n", ": no text column .* columns"),
        ("sst2", "sentence\tlabel\na\t0\nb\t\n", ":3: label '' is not one"),
        ("sst2", "sentence\tlabel\n \t0\n", ":2: sentence is empty"),
        ("sst2", "sentence\tlabel\n", ": no rows"),
        ("sst2", "", ": the file is empty"),
        ("sst2", "sentence\tsentence\tlabel\n", ":1: two columns have the same name"),
        ("rte", "sentence1\tsentence2\tlabel\na\tb\tneutral\n", ":2: label 'neutral' is not"),
        ("rte", "sentence1\tsentence2\tlabel\na\t\tentailment\n", ":2: sentence2 is empty"),
        ("mnli", "sentence1\tsentence2\tgold_label\na\tb\t-\n", ":2: label '-' is not one"),
        ("stsb", "sentence1\tsentence2\tscore\na\tb\t5.01\n", ":2: '5.01' is not a score from 0"),
        ("stsb", "sentence1\tsentence2\tscore\na\tb\tnan\n", ":2: 'nan' is not a score"),
        ("stsb", "sentence1\tsentence2\tscore\na\tb\thigh\n", ":2: 'high' is not a score"),
        ("mrpc", "Quality\t#1 String\t#2 String\n1\ta\tb\tc\n", ":2: 4 fields where there are 3"),
    ],
)  # fmt: skip
def test_bad_files_are_told_by_name_and_line(tmp_path, key, text, message):
    with pytest.raises(InputError, match=r"a\.tsv" + message) as error:
        read(key, make(tmp_path, "a.tsv", text))
    assert "\n" not in str(error.value)


def test_a_missing_file_and_one_that_is_not_utf8(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read("sst2", str(tmp_path / "none.tsv"))
    (tmp_path / "latin.tsv").write_bytes(b"sentence\tlabel\ncaf\xe9\t1\n")
    with pytest.raises(InputError, match=r"latin\.tsv:2: not UTF-8"):
        read("sst2", str(tmp_path / "latin.tsv"))


QQP_HEADER = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"


def qqp_rows(count):
    return "".join(f"{i}\t1\t2\tq{i}?\tr{i}?\t{i % 2}\n" for i in range(count))


def test_broken_rows_of_qqp_are_left_out_and_counted(tmp_path):
    broken = "400\t1\t2\tA question\nover two lines?\tWhy?\t0\n401\t1\t2\t\tEmpty?\t1\n"
    path = make(tmp_path, "train.tsv", QQP_HEADER + qqp_rows(150) + broken + qqp_rows(150))
    found = read("qqp", path)
    task = get_task("glue/qqp")
    assert (len(found), found.left_out, task.skipped(None, found)) == (300, 3, 3)
    assert found.lines[149:151] == [151, 155]
    answers = [{"label": label} for label in found.labels]
    scores = task.scores(answers, found, config("qqp"))
    assert scores["left_out"] == 3
    assert task.score_lines(scores, config("qqp"))[-1] == "broken rows left out: 3"
    assert found.take([0, 1]).left_out == 3
    # One such row among few means another kind of file.
    few = make(tmp_path, "few.tsv", QQP_HEADER + qqp_rows(50) + broken)
    with pytest.raises(InputError, match=r"few\.tsv:52: 4 fields where there are 6 columns"):
        read("qqp", few)


def test_no_row_of_a_test_file_is_left_out(tmp_path):
    path = make(
        tmp_path, "test.tsv", "id\tquestion1\tquestion2\n0\ta\tb\n1\ta\n" + "2\ta\tb\n" * 500
    )
    with pytest.raises(InputError, match=r"test\.tsv:3: 2 fields where there are 3 columns"):
        read("qqp", path, labelled=False)


def test_flags_win_over_the_layout(tmp_path):
    path = make(tmp_path, "dev_matched.tsv", LABELLED["mnli"][0])
    assert read("mnli", path, label_column="label2").labels == ["entailment"] * 2
    path = make(tmp_path, "cola.tsv", LABELLED["cola"][0])
    columns = ["sentence", "label", "star", "words"]
    assert read("cola", path, columns=columns).texts == ["gj04", "gj04"]
    path = make(tmp_path, "rte.tsv", LABELLED["rte"][0])
    swapped = read("rte", path, text_column="sentence2", text_b_column="sentence1")
    assert (swapped.texts, swapped.texts_b[0]) == (["Weapons.", 'A "Pope.'], "No Weapons.")


def test_other_layouts_are_read_by_the_usual_rules(tmp_path):
    csv = read("rte", make(tmp_path, "a.csv", 'premise,hypothesis,label\n"a, b",c,entailment\n'))
    assert (csv.texts, csv.texts_b, csv.labels) == (["a, b"], ["c"], ["entailment"])
    lines = '{"sentence": "a", "label": 1}\n'
    assert read("cola", make(tmp_path, "a.jsonl", lines)).labels == ["1"]
    with_header = read("cola", make(tmp_path, "a.tsv", "sentence\tlabel\na\t1\n"))
    assert (with_header.texts, with_header.labels) == (["a"], ["1"])
    scores = make(tmp_path, "s.csv", "sentence1,sentence2,label\na,b,2.5\n")
    assert read("stsb", scores).labels == [2.5]
    with pytest.raises(InputError, match=r"b\.csv:2: label '1' is not one of glue/rte's"):
        read("rte", make(tmp_path, "b.csv", "premise,hypothesis,label\na,b,1\n"))


def test_a_model_with_other_labels_or_texts_is_refused(tmp_path):
    task = get_task("glue/sst2")
    examples = read("sst2", make(tmp_path, "dev.tsv", LABELLED["sst2"][0]))
    task.check(examples, config("sst2"))
    with pytest.raises(InputError, match=r"labels of the model \(bad, good\) are not .*glue/sst2"):
        task.check(examples, config("sst2", labels=("bad", "good")))
    with pytest.raises(InputError, match="labels: glue/sst2 has its own, 0, 1"):
        task.config_fields(examples, {"labels": ["1", "0"]})
    single = read("rte", make(tmp_path, "a.tsv", LABELLED["rte"][0]), text_column="sentence1")
    with pytest.raises(InputError, match="the model takes pairs"):
        get_task("glue/rte").check(single, config("rte"))


def test_held_out_parts_keep_their_indices(tmp_path):
    rows = "".join(f"{i}\tfirst {i}\tsecond\t{i % 2}\n" for i in range(20))
    text = "index\tsentence1\tsentence2\tlabel\n" + rows
    held, rest = hold_out(read("wnli", make(tmp_path, "a.tsv", text)), 0.25, seed=1)
    assert (len(held), len(rest)) == (5, 15)
    for part in (held, rest):
        assert [f"first {i}" for i in part.indices] == part.texts


def test_a_submission_from_the_command_line(tmp_path, cli):
    from keras_bert.bert import Bert, build_model
    from keras_bert.config import BertConfig
    from keras_bert.model_folder import ModelConfig
    from keras_bert.text.tokenizer import WordPieceTokenizer

    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "."]
    encoder = BertConfig(
        vocab_size=len(tokens), hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=16,
    )  # fmt: skip
    settings = {"mean": 2.5, "scale": 100.0}
    model = ModelConfig(
        encoder=encoder, task="regression", benchmark="glue/stsb", pair=True, max_length=16,
        settings=settings,
    )  # fmt: skip
    Bert.from_config(model, build_model(model), WordPieceTokenizer(tokens)).save(tmp_path / "model")
    data = make(tmp_path, "test.tsv", TESTS["stsb"][0])
    output = tmp_path / "STS-B.tsv"
    asked = ("predict", f"--model={tmp_path / 'model'}", f"--input={data}", f"--output={output}")
    result = cli(*asked, "--submission")
    assert result.status == 0, result.err
    header, *rows = output.read_bytes().decode().split("\n")
    assert header == "index\tprediction"
    assert [row.split("\t")[0] for row in rows] == ["0", "7", ""]
    assert all(0 <= float(row.split("\t")[1]) <= 5 for row in rows[:2])
    # In a folder it has the name that the site wants.
    for folder in (tmp_path / "there", tmp_path / "new/"):
        (tmp_path / "there").mkdir(exist_ok=True)
        found = cli(
            *asked[:3], f"--output={folder}{'' if folder.exists() else '/'}", "--submission"
        )
        assert found.status == 0, found.err
        assert (folder / "STS-B.tsv").read_bytes() == output.read_bytes()
        assert f"{folder}/STS-B.tsv" in found.out
    (tmp_path / "there" / "STS-B.tsv").unlink()
    (tmp_path / "there" / "STS-B.tsv").mkdir()
    found = cli(*asked[:3], f"--output={tmp_path / 'there'}", "--submission")
    assert found.status == 2
    assert "STS-B.tsv: a folder of that name is in the way" in found.err
