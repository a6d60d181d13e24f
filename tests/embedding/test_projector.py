"""The projector's folder, read by TensorBoard's own plugin."""

import types

import numpy as np
import pytest
from checkpoint_helpers import DATA
from tensorboard.plugins import base_plugin
from tensorboard.plugins.projector import projector_plugin

import keras_bert
from keras_bert.embedding.features import embed
from keras_bert.embedding.projector import writing_projector
from keras_bert.errors import InputError

TINY = str(DATA / "hf_tiny_bert")
TEXTS = ["a b", 'tab\there, "quoted" and \\t', "line\nbreak\r and \u2028 one", "w1 <script> é 銀行"]
ESCAPED = [
    "a b", 'tab\\there, "quoted" and \\\\t', "line\\nbreak\\r and \\u2028 one",
    "w1 <script> é 銀行",
]  # fmt: skip


@pytest.fixture(scope="module")
def tiny():
    return keras_bert.load(TINY)


def read(folder):
    """Returns what TensorBoard finds in a log folder: (name, tensor, lines of metadata) each."""
    plugin = projector_plugin.ProjectorPlugin(
        base_plugin.TBContext(
            logdir=str(folder),
            data_provider=None,
            multiplexer=types.SimpleNamespace(
                RunPaths=lambda: {".": str(folder)}, PluginAssets=lambda *_: []
            ),
            flags=types.SimpleNamespace(logdir=str(folder)),
        )
    )
    plugin._update_configs()
    (config,) = plugin._configs.values()
    found = []
    for each in config.embeddings:
        tensor = projector_plugin._read_tensor_tsv_file(str(folder / each.tensor_path))
        with open(folder / each.metadata_path, encoding="utf-8") as file:
            lines = [line.rstrip("\n").split("\t") for line in file]
        found.append((each.tensor_name, tensor, lines))
    return found


def test_tensorboard_reads_vectors_and_texts(cli, tiny, tmp_path):
    folder = tmp_path / "projector"
    flags = [f"--text={text}" for text in TEXTS]
    found = cli("embed", f"--model={TINY}", *flags, f"--projector={folder}")
    assert found.status == 0, found.err
    assert f"tensorboard --logdir={folder} shows them" in found.out
    ((name, tensor, lines),) = read(folder)
    assert name == "vectors"
    np.testing.assert_allclose(tensor, embed(tiny, TEXTS), rtol=0, atol=1e-5)
    assert lines == [["number", "text"], *([str(n), t] for n, t in enumerate(ESCAPED, 1))]
    names = {"projector_config.pbtxt", "tensors.tsv", "metadata.tsv"}
    assert {path.name for path in folder.iterdir()} == names


def test_several_layers_pairs_and_lines_of_a_file_beside_the_npz(cli, tiny, tmp_path):
    data = tmp_path / "pairs.csv"
    data.write_text('sentence1,sentence2\na,"b\nc"\n\nw1,w2\n')
    folder, npz = tmp_path / "projector", tmp_path / "v.npz"
    flags = [f"--model={TINY}", f"--input={data}", "--layers=0,-1", f"--projector={folder}"]
    assert cli("embed", *flags, f"--output={npz}").status == 0
    found = read(folder)
    assert [name for name, _, _ in found] == ["layer_0", "layer_3"]
    with np.load(npz) as arrays:
        np.testing.assert_array_equal(
            np.stack([tensor for _, tensor, _ in found], axis=1), arrays["vectors"]
        )
        lines = arrays["lines"].tolist()
    for _, _, metadata in found:
        assert metadata == [
            ["line", "text", "text_b"], [str(lines[0]), "a", "b\\nc"], [str(lines[1]), "w1", "w2"],
        ]  # fmt: skip
    # It replaces its own, and the layers that are not asked for any more go.
    assert cli("embed", *flags, "--layers=1").status == 0
    assert [name for name, _, _ in read(folder)] == ["vectors"]
    assert not list(folder.glob("tensors_layer*"))


def test_tokens(cli, tiny, tmp_path):
    folder = tmp_path / "projector"
    texts = ["a cat", "b " * 9]
    flags = [f"--text={text}" for text in texts]
    assert (
        cli("embed", f"--model={TINY}", *flags, "--pooling=tokens", f"--projector={folder}").status
        == 0
    )
    ((_, tensor, lines),) = read(folder)
    expected = embed(tiny, texts, pooling="tokens")
    np.testing.assert_allclose(tensor, expected.vectors, rtol=0, atol=1e-5)
    assert lines[0] == ["token", "word", "number", "text"]
    assert [line[0] for line in lines[1:]] == expected.tokens.tolist()
    assert [line[1] for line in lines[1:]] == expected.words.tolist()
    assert lines[2][2:] == ["1", "a cat"]
    assert lines[-1][2:] == ["2", "b b b b b b b b b"]


def test_every_float32_and_every_text_comes_back(tmp_path):
    numbers = np.array(
        [[1 / 3, -0.0, 3.4e38, 1e-38, 1.17549435e-38, 16777217.0, 0.1, -1e-7]], "float32"
    )
    with writing_projector(tmp_path / "p") as writer:
        writer.add_row("number", "text")
        writer.add_row(1, "\ud800 \x85 \x1c")
        writer.add(numbers)
    ((_, tensor, lines),) = read(tmp_path / "p")
    np.testing.assert_array_equal(tensor, numbers)
    assert lines[1] == ["1", "\\ud800 \\x85 \\x1c"]


def test_other_folders_are_not_touched(cli, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    flags = ["embed", f"--model={TINY}", "--text=a"]
    for changes, part in [
        ([f"--projector={tmp_path / 'mine'}"], "does not look like one of ours"),
        (["--projector="], "--projector: is empty"),
        ([], "give --output or --projector"),
    ]:
        found = cli(*flags, *changes)
        assert (found.status, len(found.err.splitlines())) == (2, 1), found.err
        assert part in found.err
    with (
        pytest.raises(ValueError, match="could not|mismatch|Expected"),
        writing_projector(tmp_path / "p") as writer,
    ):
        writer.add(np.full((1, 2, 3, 4), 1.0))
    with pytest.raises(InputError):
        keras_bert.embed_file(model=TINY, text=["a"], projector=str(tmp_path / "mine"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
