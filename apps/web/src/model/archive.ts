// The files behind a TFLite model: an uncompressed ZIP archive whose directory is at the end.
//
// A reader of its own and no package: what is wanted are a few stored files at the end of many
// megabytes, with their checksums compared, which the small unzip packages do not do.
import { InputError } from "../errors";

const END_OF_DIRECTORY = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const END_SIZE = 22;
const LONGEST_COMMENT = 0xffff;

/**
 * Returns the files of some names that an archive at the end of `data` has; those that it lacks, or
 * has in another form than stored, are missing. null: there is no archive.
 *
 * @param most the most bytes that a file may have.
 */
export function readArchive(data: Uint8Array, names: string[], most: number) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = endOfDirectory(view);
  if (end === null) return null;
  const files = new Map<string, Uint8Array>();
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  // As other readers do, by the directory's place: it is the true one where something stands before.
  const directory = end - size;
  const moved = directory - view.getUint32(end + 16, true);
  let at = directory;
  const within = (start: number, length: number, limit: number) => {
    if (start < 0 || start + length > limit) throw damaged("an entry is outside of it");
  };
  for (let i = 0; i < count; i++) {
    within(at, 46, end);
    if (view.getUint32(at, true) !== ENTRY) throw damaged("its directory is broken");
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((place) =>
      view.getUint16(at + place, true),
    );
    within(at + 46, nameLength, end);
    const name = new TextDecoder().decode(data.subarray(at + 46, at + 46 + nameLength));
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    if (names.includes(name) && flags & 1) throw damaged(`${name} is encrypted`);
    if (names.includes(name) && method === 0) {
      const length = view.getUint32(at + 24, true);
      if (length > most)
        throw damaged(`${name} has ${length.toLocaleString("en")} bytes, more than ${most.toLocaleString("en")}`);
      const header = moved + view.getUint32(at + 42, true);
      within(header, 30, directory);
      if (view.getUint32(header, true) !== LOCAL_HEADER) throw damaged(`${name} is not at its place`);
      const start =
        header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
      within(start, length, directory);
      const content = data.subarray(start, start + length);
      if (crc32(content) !== view.getUint32(at + 16, true))
        throw damaged(`${name} is not what was written, its checksum differs`);
      files.set(name, content);
    }
    at += 46 + nameLength + extraLength + commentLength;
  }
  return files;
}

/** Returns the place of the record that ends an archive; null if there is none. */
function endOfDirectory(view: DataView): number | null {
  const least = Math.max(0, view.byteLength - END_SIZE - LONGEST_COMMENT);
  for (let at = view.byteLength - END_SIZE; at >= least; at--) {
    if (view.getUint32(at, true) !== END_OF_DIRECTORY) continue;
    // A file that is cut short inside of a comment, or goes on after it, is none.
    if (at + END_SIZE + view.getUint16(at + 20, true) === view.byteLength) return at;
  }
  return null;
}

function damaged(reason: string): InputError {
  return new InputError(`the archive in it is damaged: ${reason}`);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** Returns the checksum that ZIP archives have. */
export function crc32(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
