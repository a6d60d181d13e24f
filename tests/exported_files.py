"""Exported files with other contents than ours, for the tests of what is refused."""

import zipfile


def tampered(source, target, change):
    """Copies a .tflite file with other files inside; `change` gets a dict of name to bytes."""
    with zipfile.ZipFile(source) as archive:
        start = min(item.header_offset for item in archive.infolist())
        files = {item.filename: archive.read(item) for item in archive.infolist()}
    change(files)
    target.write_bytes(source.read_bytes()[:start])
    with zipfile.ZipFile(target, "a") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target
