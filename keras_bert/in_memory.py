"""Keras models and HDF5 files as bytes, so that plain file calls write them.

HDF5 cannot bear a full disk: h5py fails when the file is closed, in places where no exception can
be raised, and then crashes the process. So a file is made in memory, which takes as much of it as
the weights, and is written as a whole.
"""

import io


class NamedBytes(io.BytesIO):
    """Bytes that Keras takes for a file: of a path, it asks the ending only, which `str` tells.

    Args:
        name: str, a file name.
    """

    def __init__(self, name):
        super().__init__()
        self.name = name

    def __str__(self):
        return self.name


def weights_bytes(model):
    """Returns what `model.save_weights` writes, as a memoryview."""
    file = NamedBytes("model.weights.h5")
    model.save_weights(file)
    return file.getbuffer()


def hdf5_bytes(arrays):
    """Returns an HDF5 file, as a memoryview.

    Args:
        arrays: iterable of (path in the file, array).
    """
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for path, array in arrays:
            file[path] = array
    return stream.getbuffer()
