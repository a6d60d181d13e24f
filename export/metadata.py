"""TFLite metadata: vocabulary, labels and their meaning inside the model file.

MediaPipe's TextClassifier and the TFLite Task Library read it and need nothing else. The table and
slot numbers are those of MediaPipe's metadata_schema.fbs (Apache-2.0); the official writers are not
used because they need Python and NumPy versions that TensorFlow 2.21 does not run on.
"""

import io
import zipfile

from keras_bert.errors import InputError
from keras_bert.export.contents import LABELS_FILE, OURS, VOCABULARY_FILE
from keras_bert.reading import VOCABULARY_LIMIT, check_file

_METADATA_NAME = "TFLITE_METADATA"
# Enum values of metadata_schema.fbs.
_FILE_TYPE_UNKNOWN, _FILE_TYPE_AXIS_LABELS, _FILE_TYPE_VOCABULARY = 0, 2, 5
_CONTENT_FEATURE = 1
_PROCESS_BERT_TOKENIZER = 4
# BertTokenizerOptions, the newest table used here, came with this version of the schema.
_MIN_PARSER_VERSION = "1.1.0"
# A flatbuffer's offsets have 31 bits.
_LARGEST_FILE = 2**31 - 1


_INPUT_DESCRIPTIONS = {
    "ids": "token ids: [CLS] text [SEP], for a pair also second text [SEP], then 0",
    "mask": "1 for tokens, 0 for padding",
    "segment_ids": "0 up to the first [SEP], 1 for the second text",
    "text": "the text, UTF-8",
    "text_b": "the second text, UTF-8",
}


def add_metadata(model, input_names, outputs, files, name, description):
    """Returns a TFLite model with metadata and files added.

    Args:
        model: bytes of a TFLite file with one subgraph.
        input_names: names of its inputs (ids, mask, segment_ids; or text, text_b), in the order of
            its tensors.
        outputs: dict from the names of its outputs, in the same order, to their descriptions.
        files: dict of file name to bytes; `vocab.txt` and `labels.txt` get their roles.
        name: the model's name.
        description: one line on its purpose.

    Returns:
        bytes of the new file.
    """
    metadata = _model_metadata(input_names, outputs, files, name, description)
    return _with_files(_with_buffer(model, metadata), files)


def read_files(path):
    """Returns our files inside a TFLite file, a dict of name to bytes; {} if there are none.

    Args:
        path: the TFLite file.

    Raises:
        InputError: there is no such file, or the archive in it is damaged.
    """
    check_file(path, _LARGEST_FILE, "TFLite file")
    try:
        with zipfile.ZipFile(path) as archive:
            found = [item for item in archive.infolist() if item.filename in OURS]
            for item in found:
                if item.file_size > VOCABULARY_LIMIT:
                    raise ValueError(
                        f"{item.filename} has {item.file_size:,} bytes, more than "
                        f"{VOCABULARY_LIMIT:,}"
                    )
            return {
                item.filename: archive.read(item)
                for item in found
                if item.compress_type == zipfile.ZIP_STORED
            }
    except zipfile.BadZipFile:
        return {}
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception as error:  # false sizes, encryption, unknown versions: nearly anything
        raise InputError(f"{path}: the archive in it is damaged: {error}") from None


class _Tables:
    """Writes flatbuffer tables from slot numbers."""

    def __init__(self):
        import flatbuffers

        self.builder = flatbuffers.Builder(1024)

    def table(self, slots, **fields):
        """Writes a table of `slots` slots; a field's name is its type and its slot number."""
        self.builder.StartObject(slots)
        for field, value in fields.items():
            kind, slot = field.rsplit("_", 1)
            if kind == "byte":
                self.builder.PrependUint8Slot(int(slot), value, 0)
            else:
                self.builder.PrependUOffsetTRelativeSlot(int(slot), value, 0)
        return self.builder.EndObject()

    def vector(self, offsets):
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def string(self, text):
        return self.builder.CreateString(text)

    def file(self, name, description, kind):
        text, about = self.string(name), self.string(description)
        return self.table(5, string_0=text, string_1=about, byte_2=kind)

    def tensor(self, name, description, files=()):
        content = self.table(3, byte_0=_CONTENT_FEATURE, table_1=self.table(0))
        fields = {
            "string_0": self.string(name),
            "string_1": self.string(description),
            "table_3": content,
        }
        if files:
            fields["vector_6"] = self.vector(files)
        return self.table(7, **fields)


def _model_metadata(input_names, outputs, files, name, description):
    write = _Tables()
    vocabulary = write.file(VOCABULARY_FILE, "one token a line", _FILE_TYPE_VOCABULARY)
    options = write.table(1, vector_0=write.vector([vocabulary]))
    unit = write.table(2, byte_0=_PROCESS_BERT_TOKENIZER, table_1=options)
    # Whoever reads the file tokenizes as this unit says, unless the file takes raw text.
    units = write.vector([unit] if "ids" in input_names else [])
    inputs = write.vector(
        [write.tensor(name_, _INPUT_DESCRIPTIONS[name_]) for name_ in input_names]
    )
    labels = []
    if LABELS_FILE in files:
        labels = [write.file(LABELS_FILE, "one label a line", _FILE_TYPE_AXIS_LABELS)]
    described = [write.tensor(each, text, labels) for each, text in outputs.items()]
    outputs = write.vector(described)
    subgraph = write.table(8, vector_2=inputs, vector_3=outputs, vector_5=units)
    others = [
        write.file(each, "how keras-bert tokenizes and decodes", _FILE_TYPE_UNKNOWN)
        for each in files
        if each not in (VOCABULARY_FILE, LABELS_FILE)
    ]
    fields = {
        "string_0": write.string(name),
        "string_1": write.string(description),
        "vector_3": write.vector([subgraph]),
        "vector_6": write.vector(others),
        "string_7": write.string(_MIN_PARSER_VERSION),
    }
    root = write.table(8, **fields)
    write.builder.Finish(root, file_identifier=b"M001")
    return bytes(write.builder.Output())


def _with_buffer(model, metadata):
    """Adds the metadata as a named buffer of the TFLite flatbuffer."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    unpacked = schema.ModelT.InitFromPackedBuf(model, 0)
    entry = schema.MetadataT()
    entry.name = _METADATA_NAME
    entry.buffer = len(unpacked.buffers)
    buffer = schema.BufferT()
    buffer.data = list(metadata)
    unpacked.buffers.append(buffer)
    kept = [e for e in unpacked.metadata or [] if _text(e.name) != _METADATA_NAME]
    unpacked.metadata = [*kept, entry]
    builder = flatbuffers.Builder(len(model) + len(metadata) + 4096)
    builder.Finish(unpacked.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _with_files(model, files):
    """Appends the files as an uncompressed ZIP archive, where readers look for them."""
    stream = io.BytesIO()
    stream.write(model)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(_entry(name), content)
    return stream.getvalue()


def add_file(path, name, content):
    """Adds a file to those inside a TFLite file, in place.

    Args:
        path: a TFLite file with metadata.
        name: str.
        content: bytes.
    """
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(_entry(name), content)


def _entry(name):
    # A fixed date: the same model has the same bytes.
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def _text(value):
    return value.decode() if isinstance(value, bytes) else value
