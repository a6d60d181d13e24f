"""Arrays written in pieces read back as numpy's own, without pickle."""

import numpy as np
import pytest

from keras_bert.embedding.npz import check_room, writing_npz
from keras_bert.errors import InputError


def test_arrays_in_pieces(tmp_path):
    path = tmp_path / "a.npz"
    array = np.arange(24, dtype="int32").reshape(6, 4)
    with writing_npz(path) as npz:
        npz.add_blocks("a", array.dtype, array.shape, [array[:1], array[1:1], array[1:]])
        npz.add_blocks("words", "<U3", (3,), [np.array(["é", "日本x"]), np.array(["😀"])])
        npz.add_blocks("none", "<f4", (0, 2), [])
    found = np.load(path, allow_pickle=False)
    np.testing.assert_array_equal(found["a"], array)
    assert found["words"].tolist() == ["é", "日本x", "😀"]
    assert found["none"].shape == (0, 2)
    for dtype, shape in [(object, (6, 4)), ("int32", (7, 4)), ("int32", (5, 4))]:
        with pytest.raises(ValueError, match="a: "), writing_npz(tmp_path / "b.npz") as npz:
            npz.add_blocks("a", dtype, shape, [array])
    assert not (tmp_path / "b.npz").exists()
    check_room(path, 1000, "")
    with pytest.raises(InputError, match="would be 1048576.0 GiB, .* take fewer"):
        check_room(tmp_path / "new" / "b.npz", 2**50, "take fewer texts")
