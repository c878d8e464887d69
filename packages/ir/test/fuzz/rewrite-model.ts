import { type ModelWire, modelCodec, type NodeWire, type TensorWire } from '../../src/onnx/wire.ts';
import type { Random } from './mutate.ts';

const NUMBERS = [0, 1, 2, 3, 5, 7, -1, -2, -7, 64, 2147483647, -2147483648, 4294967296];
const FLOATS = [0, 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, -1e38];

type Rewrite = (model: Parts, random: Random) => void;

interface Parts {
  readonly nodes: NodeWire[];
  readonly tensors: TensorWire[];
  readonly inputs: { shape: { dimValue?: unknown; dimParam?: string }[] }[];
  /** Every name of a value. */
  readonly names: readonly string[];
}

const rewrites: readonly Rewrite[] = [
  // A node reads another value: cycles, wrong shapes, wrong types.
  ({ nodes, names }, random) => {
    const node = random.pick(nodes);
    if (node.input!.length > 0) node.input![random.below(node.input!.length)] = random.pick(names);
  },
  ({ nodes }, random) => void random.pick(nodes).input!.pop(),
  ({ nodes, names }, random) => void random.pick(nodes).input!.push(random.pick(names)),
  ({ nodes, names }, random) => {
    random.pick(nodes).output![0] = random.pick(names);
  },
  ({ nodes }, random) => {
    random.pick(nodes).opType = random.pick(nodes).opType!;
  },
  ({ nodes }, random) => void nodes.splice(random.below(nodes.length), 1),
  ({ nodes }, random) => void nodes.push(random.pick(nodes)),
  ({ nodes }, random) => {
    const attributes = random.pick(nodes).attribute!;
    if (attributes.length > 0) attributes.splice(random.below(attributes.length), 1);
  },
  ({ nodes }, random) => {
    const attributes = random.pick(nodes).attribute!;
    if (attributes.length === 0) return;
    const attribute = random.pick(attributes);
    if (attribute.type === 1) attribute.f = random.pick(FLOATS);
    else if (attribute.type === 7) {
      const ints = Array.from({ length: random.below(5) }, () => random.pick(NUMBERS));
      attribute.ints =
        random.below(2) === 0 ? ints : attribute.ints!.map((one) => (random.below(3) > 0 ? one : random.pick(NUMBERS)));
    } else attribute.i = random.pick(NUMBERS);
  },
  ({ nodes }, random) => {
    // An attribute that belongs to another operator.
    const stranger = random.pick(nodes).attribute!;
    if (stranger.length > 0) random.pick(nodes).attribute!.push(random.pick(stranger));
  },
  ({ tensors }, random) => {
    if (tensors.length === 0) return;
    const tensor = random.pick(tensors);
    tensor.dims = Array.from({ length: random.below(4) }, () => random.pick(NUMBERS));
  },
  ({ tensors }, random) => {
    if (tensors.length > 0) random.pick(tensors).dataType = random.below(24);
  },
  ({ tensors }, random) => {
    if (tensors.length === 0) return;
    const tensor = random.pick(tensors);
    const bytes = Uint8Array.from(tensor.rawData ?? []);
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
    tensor.rawData = bytes.subarray(0, random.below(2) === 0 ? bytes.length : random.below(bytes.length + 1));
  },
  ({ inputs }, random) => {
    const { shape } = random.pick(inputs);
    if (random.below(4) === 0) shape.pop();
    else if (shape.length > 0) shape[random.below(shape.length)] = { dimValue: random.pick(NUMBERS) };
  },
];

/** The model with one to three of its nodes, constants, attributes and shapes replaced by ones that do not belong there. */
export function rewriteModel(seed: Uint8Array, random: Random): Uint8Array {
  const model: ModelWire = modelCodec.decode(seed);
  const graph = model.graph!;
  const nodes = graph.node!;
  const parts: Parts = {
    nodes,
    tensors: graph.initializer ?? [],
    inputs: graph.input!.map(({ type }) => ({ shape: type!.tensorType!.shape!.dim! as { dimValue?: unknown }[] })),
    names: [
      ...graph.input!.map(({ name }) => name!),
      ...(graph.initializer ?? []).map(({ name }) => name!),
      ...nodes.flatMap(({ output }) => output!),
    ],
  };
  for (const node of nodes) {
    node.input ??= [];
    node.attribute = [...(node.attribute ?? [])];
  }
  for (let left = 1 + random.below(3); left > 0 && nodes.length > 0; left--) random.pick(rewrites)(parts, random);
  if (random.below(20) === 0) model.opsetImport = [{ domain: '', version: random.below(26) }];
  return Uint8Array.from(modelCodec.encode(model).finish());
}
