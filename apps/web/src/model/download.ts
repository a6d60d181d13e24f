// The bytes of a model, from the app's own folder.
import { InputError, oneLine } from "../errors";
import { checkSize, MOST_BYTES } from "./model_file";

/**
 * Returns the bytes of a file of this page's host.
 *
 * @param onProgress is told the bytes so far and of all; 0 where these are not known.
 */
export async function download(
  url: string,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<Uint8Array> {
  const address = new URL(url, self.location.href);
  if (address.origin !== self.location.origin)
    throw new InputError(`${url}: models come from this page's own host only`);
  let response: Response;
  try {
    response = await fetch(address, { signal });
  } catch (error) {
    throw new InputError(`${url}: cannot be loaded: ${oneLine(error)}`);
  }
  if (!response.ok || !response.body)
    throw new InputError(`${url}: cannot be loaded: the server answers ${response.status}`);
  // Of a compressed transfer the length is that of the compressed bytes.
  const isPlain = !response.headers.get("content-encoding");
  const total = isPlain ? Number(response.headers.get("content-length")) || 0 : 0;
  checkSize(total);
  return read(url, response.body.getReader(), total, onProgress);
}

async function read(
  url: string,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  total: number,
  onProgress: (done: number, total: number) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let done = 0;
  try {
    for (;;) {
      const { done: isEnd, value } = await reader.read();
      if (isEnd) break;
      chunks.push(value);
      done += value.length;
      if (done > MOST_BYTES) checkSize(done);
      onProgress(done, Math.max(total, total && done));
    }
  } catch (error) {
    await reader.cancel().catch(() => {});
    if (error instanceof InputError) throw error;
    throw new InputError(`${url}: the download broke off: ${oneLine(error)}`);
  }
  if (done < total)
    throw new InputError(`${url}: the download broke off after ${done} of ${total} bytes`);
  const bytes = new Uint8Array(done);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
