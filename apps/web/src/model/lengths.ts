// Files with an open length, at a length. LiteRT.js runs fixed shapes only, so the sizes that the
// inputs and outputs of such a file leave open are written into a copy of it; the graph computes
// all other shapes itself.
import { ByteBuffer } from "flatbuffers";

// Slots of tables in TensorFlow Lite's schema.fbs: a field's number is (slot - 4) / 2.
const MODEL_SUBGRAPHS = 8;
const GRAPH_TENSORS = 4;
const GRAPH_INPUTS = 6;
const GRAPH_OUTPUTS = 8;
const TENSOR_SHAPE = 4;
const TENSOR_SIGNATURE = 18;

const OPEN = -1;
// More tensors, or sizes of one, than any file has: the place is not what it should be.
const MOST_INPUTS = 16;
const MOST_DIMENSIONS = 8;

/** Returns whether a file leaves the length of its rows open. */
export function hasOpenLength(model: Uint8Array): boolean {
  return shapesOf(new ByteBuffer(model)).some(({ signature }) => signature.includes(OPEN));
}

/** Returns a copy of a file with an open length that takes one row of so many tokens. */
export function withLength(model: Uint8Array, length: number): Uint8Array {
  const bytes = new ByteBuffer(model.slice());
  for (const { signature, shapeAt, signatureAt } of shapesOf(bytes))
    signature.forEach((size, axis) => {
      if (size !== OPEN) return;
      const fixed = axis === 0 ? 1 : length;
      bytes.writeInt32(signatureAt + 4 * axis, fixed);
      bytes.writeInt32(shapeAt + 4 * axis, fixed);
    });
  return bytes.bytes();
}

/** Returns the open sizes, and their places, of the inputs and outputs of the first graph. */
function shapesOf(bytes: ByteBuffer) {
  const field = (table: number, slot: number) => {
    const offset = bytes.__offset(table, slot);
    return offset ? bytes.__indirect(table + offset) : 0;
  };
  const found: { signature: number[]; shapeAt: number; signatureAt: number }[] = [];
  const graphs = field(bytes.readInt32(0), MODEL_SUBGRAPHS);
  if (!graphs) return found;
  const graph = bytes.__indirect(graphs + 4);
  const tensors = field(graph, GRAPH_TENSORS);
  for (const slot of [GRAPH_INPUTS, GRAPH_OUTPUTS]) {
    const indices = field(graph, slot);
    const count = indices && tensors ? bytes.readInt32(indices) : 0;
    if (count < 0 || count > MOST_INPUTS) continue;
    for (let i = 0; i < count; i++) {
      const index = bytes.readInt32(indices + 4 + 4 * i);
      const tensor = bytes.__indirect(tensors + 4 + 4 * index);
      const [shape, signature] = [field(tensor, TENSOR_SHAPE), field(tensor, TENSOR_SIGNATURE)];
      if (!shape || !signature) continue; // all its sizes are fixed
      const rank = bytes.readInt32(signature);
      if (rank < 1 || rank > MOST_DIMENSIONS || bytes.readInt32(shape) !== rank) continue;
      found.push({
        signature: Array.from({ length: rank }, (_, axis) => bytes.readInt32(signature + 4 + 4 * axis)),
        shapeAt: shape + 4,
        signatureAt: signature + 4,
      });
    }
  }
  return found;
}
