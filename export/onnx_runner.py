"""Runs ONNX files on texts."""

import os

from keras_bert.errors import InputError, one_line
from keras_bert.export import tensors
from keras_bert.export.onnx_names import HUGGINGFACE_INPUTS
from keras_bert.export.runner import INPUT_NAMES, Runner
from keras_bert.reading import check_file

# Protocol buffers' own limit; larger weights are in files beside it.
_LARGEST_ONNX = 2**31 - 1


class OnnxRunner(Runner):
    """An .onnx file on onnxruntime.

    Args:
        path: the file.
        threads: number of threads within an op.
    """

    def __init__(self, path, threads=1):
        import onnxruntime

        check_file(path, _LARGEST_ONNX, "ONNX file")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                os.fspath(path), options, providers=["CPUExecutionProvider"]
            )
            properties = self._session.get_modelmeta().custom_metadata_map
            files = {name: text.encode() for name, text in properties.items()}
            inputs = tensors.of_onnx(self._session.get_inputs())
            # They may have Hugging Face's names; several choices are a dimension of their own then.
            foreign = HUGGINGFACE_INPUTS["token_ids"] in inputs
            self._names = {n: HUGGINGFACE_INPUTS[n] if foreign else n for n in INPUT_NAMES}
            self._type = "int64" if foreign else "int32"
            outputs = tensors.of_onnx(self._session.get_outputs())
        except Exception as error:  # onnxruntime's exceptions have no other common base
            raise InputError(
                f"{path}: not an ONNX file that onnxruntime runs: {one_line(error)}"
            ) from None
        super().__init__(path, files)
        self._grouped = foreign and self.config.task == "multiple_choice"
        rank = 3 if self._grouped else 2
        tensors.check(self, inputs, self._names.values(), outputs, self._type, rank)

    def _run(self, inputs):
        names = self.task.outputs
        # By name, never by position: a tool may have put them in another order.
        fed = {theirs: inputs[ours].astype(self._type) for ours, theirs in self._names.items()}
        if self._grouped:
            fed = {name: rows[:, None] for name, rows in fed.items()}
        try:
            return dict(zip(names, self._session.run(list(names), fed)))
        except Exception as error:  # as above
            raise InputError(f"{self.path}: onnxruntime cannot run it: {one_line(error)}") from None
