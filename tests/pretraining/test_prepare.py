"""The whole of `prepare`: what comes out of a corpus, judged without the code that made it."""

import collections
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from pseudo_text import documents, write_json_lines, write_plain, write_vocabulary

from keras_bert.errors import InputError
from keras_bert.locking import locked
from keras_bert.pretraining.blocks import spill_path
from keras_bert.pretraining.pipeline import PLAN
from keras_bert.pretraining.prepare import prepare
from keras_bert.pretraining.progress import BlockProgress
from keras_bert.pretraining.records import read_manifest, read_shard
from keras_bert.pretraining.tokens import tokenize
from keras_bert.text.tokenizer import WordPieceTokenizer, load_vocabulary

LENGTH = 64
BLOCK_BYTES = 60_000
ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder with two files of documents, over 100,000 tokens, and a vocabulary."""
    folder = tmp_path_factory.mktemp("corpus")
    texts = documents(300, seed=5)
    texts += texts[:5]  # copies
    write_json_lines(folder / "a.jsonl.gz", texts[:200])
    write_plain(folder / "b.txt", texts[200:])
    write_vocabulary(folder / "vocab.txt")
    (folder / "texts.json").write_text(json.dumps(texts))
    return folder


@pytest.fixture(scope="module")
def make(corpus, tmp_path_factory):
    """Makes records of the corpus once for each set of arguments; gives the folder."""
    made = {}

    def call(**changes):
        key = json.dumps(changes, sort_keys=True)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("records") / "out"
            values = {
                "corpus": f"{corpus}/*.jsonl.gz,{corpus}/b.txt",
                "vocab": corpus / "vocab.txt",
                "output": made[key],
                "length": LENGTH,
                "shards": 3,
                "seed": 7,
                "workers": 1,
                "block_bytes": BLOCK_BYTES,
            }
            prepare(**{**values, **changes})
        return made[key]

    return call


@pytest.fixture(scope="module")
def tokenizer(corpus):
    return WordPieceTokenizer(load_vocabulary(corpus / "vocab.txt"), lower_case=True)


def _shards(folder):
    manifest = read_manifest(folder)
    return [read_shard(folder, manifest, index) for index in range(len(manifest.shards))]


def _examples(folder):
    """Yields (token_ids, segment_ids, word_starts, label or None) of each example."""
    for shard in _shards(folder):
        ends = np.cumsum(shard.example_lengths)
        for number, end in enumerate(ends):
            part = slice(end - shard.example_lengths[number], end)
            label = int(shard.pair_labels[number]) if len(shard.pair_labels) else None
            yield shard.token_ids[part], shard.segment_ids[part], shard.word_starts[part], label


def _segments(token_ids, tokenizer):
    """Returns the segments between [CLS] and each [SEP], which must stand at their places."""
    places = np.flatnonzero(token_ids == tokenizer.sep_id)
    assert token_ids[0] == tokenizer.cls_id
    assert places[-1] == len(token_ids) - 1
    assert (token_ids == tokenizer.cls_id).sum() == 1
    begins = [0, *places[:-1]]
    return [token_ids[begin + 1 : end] for begin, end in zip(begins, places)]


class _Sources:
    """The tokens of each different document, with an index of where each eight in a row stand."""

    def __init__(self, texts, tokenizer):
        self.tokens = [np.array(pieces.ids, np.int32) for pieces in tokenizer.cut(texts)]
        self.index = collections.defaultdict(list)
        for number, tokens in enumerate(self.tokens):
            for place in range(len(tokens) - 7):
                self.index[tokens[place : place + 8].tobytes()].append((number, place))

    def places(self, segment):
        """Returns {document: token} where a segment of eight tokens or more stands."""
        found = {}
        for number, place in self.index[segment[:8].tobytes()]:
            if np.array_equal(self.tokens[number][place : place + len(segment)], segment):
                found.setdefault(number, place)
        return found


@pytest.fixture(scope="module")
def sources(corpus, tokenizer):
    return _Sources(list(dict.fromkeys(json.loads((corpus / "texts.json").read_text()))), tokenizer)


@pytest.mark.parametrize("pair", ["nsp", "sop"])
def test_pairs(pair, make, tokenizer, sources):
    """Structure, truth and balance of the labels, over 100,000 tokens."""
    tokens = labelled = told = 0
    labels = []
    for token_ids, segment_ids, word_starts, label in _examples(make(pair=pair)):
        tokens += len(token_ids)
        labels.append(label)
        assert 5 <= len(token_ids) <= LENGTH
        a, b = _segments(token_ids, tokenizer)
        assert len(a) > 0
        assert len(b) > 0
        assert segment_ids.tolist() == [0] * (len(a) + 2) + [1] * (len(b) + 1)
        pieces = [tokenizer.vocabulary[token] for token in token_ids]
        assert word_starts.tolist() == [not piece.startswith("##") for piece in pieces]
        if min(len(a), len(b)) < 8:
            continue  # it may stand in several documents by chance
        places_a, places_b = sources.places(a), sources.places(b)
        assert places_a
        assert places_b
        common = places_a.keys() & places_b.keys()
        labelled += 1
        if pair == "nsp":
            assert bool(common) == (label == 0)
        if common:
            document = common.pop()
            first = places_a[document] < places_b[document]
            told += first == (label == 0 or pair == "nsp")
            assert abs(places_a[document] - places_b[document]) < 400
        elif pair == "sop":
            pytest.fail("the segments are of different documents")
    assert tokens > 100_000
    assert labelled > 0.6 * len(labels)
    # A segment may by chance stand at another place of its document too.
    assert told >= (0.99 if pair == "sop" else 0.45) * labelled
    assert abs(np.mean(labels) - 0.5) < 0.01


def test_no_pairs_lose_no_token(make, tokenizer, sources, corpus):
    texts = json.loads((corpus / "texts.json").read_text())
    expected = sum(len(pieces) for pieces in tokenizer.cut(texts))
    got = 0
    for token_ids, segment_ids, _, label in _examples(make(pair="none")):
        assert label is None
        assert not segment_ids.any()
        (segment,) = _segments(token_ids, tokenizer)
        assert 0 < len(segment) <= LENGTH - 2
        got += len(segment)
        if len(segment) > 10:
            assert sources.places(segment)
    assert got == expected > 100_000


@pytest.mark.parametrize("pair", ["nsp", "none"])
def test_packing_keeps_every_example(pair, make):
    def all_of(folder):
        parts = _examples(folder)
        return sorted((i.tobytes(), s.tobytes(), w.tobytes(), label) for i, s, w, label in parts)

    loose, packed = make(pair=pair), make(pair=pair, pack=True)
    assert all_of(packed) == all_of(loose)
    counts, counts_packed = read_manifest(loose).counts, read_manifest(packed).counts
    assert counts_packed["rows"] < counts["rows"]
    assert counts_packed["padding"] < counts["padding"]
    for shard in _shards(packed):
        assert np.diff(shard.row_starts).max() <= LENGTH
        assert np.diff(shard.example_starts).min() >= 1


def _bytes(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("changes", [{}, {"pair": "sop", "pack": True, "static_masking": True}])
def test_the_same_bytes_for_every_number_of_workers(changes, make):
    assert _bytes(make(**changes)) == _bytes(make(**changes, workers=4))


def test_the_same_bytes_on_another_runner(make):
    name = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
    assert _bytes(make(runner=name)) == _bytes(make())


def test_the_same_bytes_from_other_forms(corpus, make, tmp_path):
    """Plain in place of gzip'd, and other names in the same order."""
    texts = json.loads((corpus / "texts.json").read_text())
    write_json_lines(tmp_path / "1.jsonl", texts[:200])
    write_plain(tmp_path / "2.txt.gz", texts[200:])
    prepare(
        corpus=f"{tmp_path}/[12]*", vocab=corpus / "vocab.txt", output=tmp_path / "out",
        length=LENGTH, shards=3, seed=7, workers=1, block_bytes=BLOCK_BYTES,
    )  # fmt: skip
    assert _bytes(tmp_path / "out") == _bytes(make())


def test_the_seed_and_the_copies(make):
    def rows(folder):
        return [tuple(token_ids) for token_ids, *_ in _examples(folder)]

    once, other, twice = rows(make()), rows(make(seed=8)), rows(make(dupe_factor=2))
    assert len(set(once) & set(other)) < 0.1 * len(once)
    assert abs(len(twice) - 2 * len(once)) < 0.05 * len(once)
    assert len(set(twice)) > 1.8 * len(once)
    assert set(once) < set(twice)


@pytest.mark.parametrize("whole_word", [False, True])
def test_static_masking_hides_what_was_there(whole_word, make, tokenizer):
    plain = _shards(make())
    masked = _shards(make(static_masking=True, whole_word=whole_word))
    hidden = 0
    for before, after in zip(plain, masked, strict=True):
        counts = np.diff(after.masked_starts)
        places = np.repeat(after.row_starts[:-1], counts) + after.masked_positions
        assert (before.token_ids[places] == after.masked_token_ids).all()
        restored = after.token_ids.copy()
        restored[places] = after.masked_token_ids
        assert (restored == before.token_ids).all()
        hidden += len(places)
        masks = after.token_ids[places] == tokenizer.mask_id
        assert 0.75 < masks.mean() < 0.85
        if whole_word:
            chosen = np.zeros(len(restored), bool)
            chosen[places] = True
            inside = ~after.word_starts
            assert (chosen[1:][inside[1:]] == chosen[:-1][inside[1:]]).all()
    tokens = sum(len(shard.token_ids) for shard in plain)
    assert 0.12 < hidden / tokens < 0.16
    again = make(static_masking=True, whole_word=whole_word, seed=8)
    assert _bytes(again) != _bytes(make(static_masking=True, whole_word=whole_word))


def test_shards_by_default_and_more_than_examples(corpus, tmp_path):
    vocabulary = corpus / "vocab.txt"
    manifest = prepare(
        corpus=corpus / "b.txt", vocab=vocabulary, output=tmp_path / "one", length=LENGTH
    )
    assert len(manifest.shards) == 1
    (tmp_path / "small.txt").write_text("Ba be. Bi bo.\n\nDa de. Di do.")
    manifest = prepare(
        corpus=tmp_path / "small.txt", vocab=vocabulary, output=tmp_path / "many", shards=9
    )
    assert len(manifest.shards) == 9
    assert sum(shard.rows for shard in _shards(tmp_path / "many")) == manifest.counts["rows"] > 0


def test_a_segmenter_says_where_words_begin():
    """Its words are words; what WordPiece cut within one of them goes on."""
    characters = sorted(set("我爱北京天安门在中国"))
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *characters, "he", "##llo", ",", "。"]
    tokenizer = WordPieceTokenizer(tokens)
    words = ["我", "爱", "北京", "天安门", " ", "hello", "，", "在", "中国", "。"]
    text = "".join(words)
    tokens = tokenize([text, "北京"], tokenizer, 100, lambda text: words[: len(text) * 2])
    # 我 爱 北 京 天 安 门 he ##llo ， 在 中 国 。 and then 北 京
    expected = [1, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1, 0, 1]
    assert tokens.word_starts[:14].tolist() == [bool(start) for start in expected]
    plain = tokenize([text], tokenizer, 100)
    assert plain.word_starts.sum() == 13


def test_a_sentence_too_long_is_cut_at_words(tokenizer):
    text = " ".join(documents(1, seed=1, sentences=(1, 1), words=(200, 200)))
    tokens = tokenize([text], tokenizer, 30)
    (document,) = tokens.documents
    assert tokens.sentences == 1
    assert max(np.diff(document.bounds)) <= 30
    assert min(np.diff(document.bounds)[:-1]) > 15
    assert tokens.word_starts[document.bounds[:-1]].all()
    assert tokens.token_ids.tolist() == tokenizer.cut([text])[0].ids


def test_command(cli, corpus, tmp_path):
    flags = (f"--corpus={corpus}/b.txt", f"--vocab={corpus}/vocab.txt", f"--output={tmp_path}/out")
    done = cli("prepare", *flags, "--length=64", "--workers=1", "--json", "--pack", "--seed=3")
    assert done.status == 0
    result = json.loads(done.out.splitlines()[-1])
    manifest = read_manifest(tmp_path / "out")
    assert result["documents"] == 105
    assert result["rows"] == manifest.counts["rows"] < result["examples"]
    assert result["tokens"] == sum(shard["tokens"] for shard in manifest.shards)
    assert result["bytes"] == sum(path.stat().st_size for path in tmp_path.glob("out/*.tfrecord"))
    assert result["padding"] == pytest.approx(1 - result["tokens"] / result["rows"] / 64)
    assert sum(result["pair_labels"].values()) == pytest.approx(1)
    assert (manifest.seed, manifest.packed, manifest.pair) == (3, True, "nsp")
    assert manifest.tokenizer["lower_case"] is True
    assert sorted(os.listdir(tmp_path)) == ["out"]
    # Records may be replaced, other folders not.
    assert cli("prepare", *flags, "--pair=none", "--nolower_case", "--workers=1").status == 0
    assert read_manifest(tmp_path / "out").tokenizer["lower_case"] is False
    (tmp_path / "out" / "diary.txt").touch()
    refused = cli("prepare", *flags)
    assert refused.status == 2
    assert "does not look like one of ours" in refused.err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--corpus=no/*.txt"], "no/*.txt: no such file"),
        (["--corpus=blank.txt"], "the corpus is empty"),
        (["--corpus=signs.txt", "--pair=none"], "the corpus is empty"),
        (["--corpus=one.txt"], "--pair=nsp needs two documents or more"),
        (["--corpus=one.txt", "--max_document_characters=5"], "one.txt:1: the document"),
        (["--length=7"], "length"),
        (["--length=100000"], "length"),
        (["--pair=both"], "pair"),
        (["--shards=0"], "shards"),
        (["--seed=-1"], "seed"),
        (["--short_probability=1.5"], "short_probability"),
        (["--vocab=blank.txt"], "blank.txt"),
        (["--vocab=none.txt"], "none.txt"),
        (["--beam_options=--x"], "need a --runner"),
        (["--runner=NoSuchRunner"], "--runner=NoSuchRunner"),
        (["--output=one.txt"], "a file of that name is in the way"),
        (["--segmenter=none"], "segmenter"),
    ],
)
def test_bad_input_is_one_line(flags, message, cli, corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blank.txt").write_text("\n \n")
    (tmp_path / "signs.txt").write_text("\u200d\n\n\ufeff\u200b\n")
    (tmp_path / "one.txt").write_text("Ba be bi. Bo bu.")
    base = [f"--corpus={corpus}/b.txt", f"--vocab={corpus}/vocab.txt", "--output=out"]
    done = cli("prepare", *base, "--workers=1", *flags)
    assert done.status == 2
    assert message in done.err
    assert len(done.err.splitlines()) == 1
    assert sorted(os.listdir(tmp_path)) == ["blank.txt", "one.txt", "signs.txt"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_broken_corpus_is_one_line_from_any_process(workers, corpus, tmp_path, capfd):
    for name in "abcd":
        write_json_lines(tmp_path / f"{name}.jsonl", documents(20, seed=1))
    for name, line in (("b", b'{"text": 1}\n'), ("c", b"\xff\n")):
        with open(tmp_path / f"{name}.jsonl", "ab") as file:
            file.write(line)
    with pytest.raises(InputError) as caught:
        prepare(
            corpus=f"{tmp_path}/*.jsonl", vocab=corpus / "vocab.txt", output=tmp_path / "out",
            workers=workers, block_bytes=5000,
        )  # fmt: skip
    assert str(caught.value).startswith(f"{tmp_path}/b.jsonl:21: expected a JSON object")
    assert not [name for name in os.listdir(tmp_path) if "out" in name]
    # A slow machine says what it is at.
    assert capfd.readouterr().err in ("", "reading the corpus\n")


def _command(corpus, output, workers, dupe_factor=1):
    return [
        sys.executable, "-m", "keras_bert", "prepare", f"--corpus={corpus}/a.jsonl.gz",
        f"--vocab={corpus}/vocab.txt", f"--output={output}", f"--workers={workers}",
        f"--dupe_factor={dupe_factor}",
    ]  # fmt: skip


def test_a_file_system_that_takes_no_more(corpus, tmp_path):
    """A limit on the size of files stands in for a full disk."""
    done = subprocess.run(
        _command(corpus, tmp_path / "out", 1),
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)),
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "File too large" in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_leaves_no_records_and_no_process(signal_number, corpus, tmp_path):
    for number in range(40):
        shutil.copy(corpus / "a.jsonl.gz", tmp_path / f"{number:02d}.jsonl.gz")
    output = tmp_path / "deep" / "out"
    command = _command(corpus, output, 2, dupe_factor=30)
    command[4] = f"--corpus={tmp_path}/*.jsonl.gz"
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores Ctrl-C, and hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    try:
        while len(workers := list(tmp_path.glob("deep/.out.*/*/worker-*"))) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal_number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    left = [path.name for path in tmp_path.glob("deep/*") if not path.name.startswith(".")]
    assert left == []
    if signal_number == signal.SIGINT:
        assert process.returncode == 130
        assert not (tmp_path / "deep").exists()  # which it had made
        # A progress line may have been under way.
        assert err.splitlines()[-1].strip() == "keras-bert: interrupted"
    for worker in workers:
        pid = worker.name.removeprefix("worker-")
        while _is_worker(pid):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    # What SIGKILL left, gigabytes of a real corpus, is removed by the next run.
    prepare(corpus=f"{corpus}/b.txt", vocab=corpus / "vocab.txt", output=output, workers=1)
    assert os.listdir(tmp_path / "deep") == ["out"]


def test_two_at_once_on_one_output_are_refused(corpus, tmp_path):
    settings = {"corpus": f"{corpus}/b.txt", "vocab": corpus / "vocab.txt", "workers": 1}
    with locked(tmp_path / "out"):
        with pytest.raises(InputError, match="out: another process .* is writing it"):
            prepare(output=tmp_path / "out", **settings)
    assert os.listdir(tmp_path) == []
    lock = {"pid": 1, "start": "1", "host": "elsewhere", "since": 0.0}
    (tmp_path / ".out.lock").write_text(json.dumps(lock))
    with pytest.raises(InputError, match="process 1 on elsewhere, .* days ago.* with force=True"):
        prepare(output=tmp_path / "out", **settings)
    prepare(output=tmp_path / "out", force=True, **settings)
    assert os.listdir(tmp_path) == ["out"]


def _is_worker(pid):
    try:
        return b"keras_bert.pretraining.worker" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_rate_counts_from_when_the_workers_began(tmp_path):
    """A plan that is seen late, with documents done already, tells no rate of millions."""
    plan = tmp_path / PLAN
    plan.write_text(json.dumps({"blocks": [30, 60]}))
    os.utime(plan, (time.time() - 10,) * 2)
    pathlib.Path(spill_path(tmp_path, 0)).write_bytes(b"")
    line = BlockProgress(str(tmp_path))._line()
    documents_done, rate, left = re.fullmatch(
        r"documents (\d+)/90  ([\d.]+) documents/s  (\d+) s left", line
    ).groups()
    assert documents_done == "30"
    assert float(rate) == pytest.approx(3.0, rel=0.2)
    assert int(left) == pytest.approx(20, abs=4)
