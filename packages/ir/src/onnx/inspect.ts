import { elementCount } from '../dtype.ts';
import type { Tensor } from '../tensor.ts';
import { decodeModel } from './decode.ts';
import { type OnnxGraph, type OnnxNode, readsOf } from './onnx-graph.ts';
import { decodeTensor, type ElementType, type ExternalData, elementTypeOf } from './tensor-data.ts';
import { modelCodec, tensorCodec, toNumber, type ValueInfoWire } from './wire.ts';

export interface OnnxValueInfo {
  readonly name: string;
  /** Undefined for sequences, optional values, maps and element types that are not read (float8, complex, strings). */
  readonly elementType: ElementType | undefined;
  /** −1: not static in the file. */
  readonly shape: readonly number[];
}

/** What is in an ONNX file, whether or not it can be imported. Plain data. */
export interface OnnxSummary {
  readonly opset: number;
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  /** Nodes by operator type, those of bodies included, the most frequent first. */
  readonly operators: readonly { readonly type: string; readonly count: number }[];
  /** Inputs whose values decide shapes: `importOnnx` needs them as `constantInputs`. */
  readonly staticInputs: readonly string[];
  /** Elements and bytes of the constants in the file. */
  readonly parameters: number;
  readonly weightBytes: number;
}

/** Operands that decide shapes or the course of the graph, by operator type: they must be constant when importing. */
const STATIC_OPERANDS: Readonly<Record<string, readonly number[]>> = {
  AffineGrid: [1],
  BlackmanWindow: [0],
  CenterCropPad: [1],
  Col2Im: [1, 2],
  Compress: [1],
  ConstantOfShape: [0],
  CumProd: [1],
  CumSum: [1],
  DFT: [1, 2],
  Dropout: [1, 2],
  Expand: [1],
  HammingWindow: [0],
  HannWindow: [0],
  If: [0],
  Loop: [0, 1],
  MaxUnpool: [2],
  MelWeightMatrix: [0, 1, 2, 3, 4],
  NonMaxSuppression: [0, 1, 2, 3, 4],
  NonZero: [0],
  OneHot: [1],
  Pad: [1, 2, 3],
  Range: [0, 1, 2],
  Reshape: [1],
  Resize: [1, 2, 3],
  STFT: [1, 3],
  Slice: [1, 2, 3, 4],
  Split: [1],
  Squeeze: [1],
  Tile: [1],
  TopK: [1],
  Trilu: [1],
  Unique: [0],
  Unsqueeze: [1],
  Upsample: [1],
};

/** Operators whose result does not depend on the values of their operands, only on their shapes. */
const SHAPE_ONLY = new Set(['Shape', 'Size', 'EyeLike']);

/** Looks at an ONNX file without importing it. Throws what `importOnnx` throws for files it cannot decode. */
export function inspectOnnx(bytes: Uint8Array, where = 'model', external?: ExternalData): OnnxSummary {
  const graph = decodeModel(bytes, where, external);
  const wire = modelCodec.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)).graph;
  const values = (list: readonly ValueInfoWire[] | undefined) => (list ?? []).map(valueInfo);
  const own = new Set(graph.inputs.map(({ name }) => name));
  const constants = [...graph.constants.values()];
  const total = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0);
  return {
    opset: graph.opset,
    inputs: values(wire?.input).filter(({ name }) => own.has(name)),
    outputs: values(wire?.output),
    operators: [...countOperators(graph.nodes)]
      .map(([type, count]) => ({ type, count }))
      .sort((a, b) => b.count - a.count),
    staticInputs: staticInputs(graph),
    parameters: total(constants.map(({ shape }) => elementCount(shape))),
    weightBytes: total(constants.map(({ data }) => data.byteLength)),
  };
}

function valueInfo({ name, type }: ValueInfoWire): OnnxValueInfo {
  const tensor = type?.tensorType;
  const dims = tensor?.shape?.dim ?? [];
  return {
    name: name ?? '',
    elementType: elementTypeOf(tensor?.elemType),
    shape: dims.map(({ dimValue }) => (dimValue === undefined ? -1 : toNumber(dimValue))),
  };
}

function countOperators(nodes: readonly OnnxNode[], counts = new Map<string, number>()): Map<string, number> {
  for (const node of nodes) {
    counts.set(node.opType, (counts.get(node.opType) ?? 0) + 1);
    for (const attribute of node.attributes.values()) {
      if (attribute.kind === 'graph') countOperators(attribute.value.nodes, counts);
    }
  }
  return counts;
}

function isStatic(node: OnnxNode, index: number): boolean {
  if (node.opType.startsWith('Reduce')) return index === 1;
  return STATIC_OPERANDS[node.opType]?.includes(index) === true;
}

/** Follows the values that decide shapes back to the inputs. */
function staticInputs(graph: OnnxGraph): string[] {
  const nodes = withBodies(graph.nodes);
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const waiting = nodes.flatMap((node) => node.inputs.filter((_, index) => isStatic(node, index)));
  const reached = new Set<string>();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name === '' || reached.has(name)) continue;
    reached.add(name);
    const producer = producers.get(name);
    if (producer !== undefined && !SHAPE_ONLY.has(producer.opType)) waiting.push(...readsOf(producer));
  }
  return graph.inputs.map(({ name }) => name).filter((name) => reached.has(name));
}

function withBodies(nodes: readonly OnnxNode[]): OnnxNode[] {
  return nodes.flatMap((node) => [
    node,
    ...[...node.attributes.values()].flatMap((attribute) =>
      attribute.kind === 'graph' ? withBodies(attribute.value.nodes) : [],
    ),
  ]);
}

/**
 * A `.pb` file with one TensorProto, as the test data of ONNX models are stored. Half floats are widened to f32 and 4-bit
 * integers to one byte per element; `elementType` says what they were. Throws `onnx.tensor`, `onnx.corrupt`.
 */
export function readTensorProto(
  bytes: Uint8Array,
  where: string,
): Tensor & { readonly elementType: ElementType; readonly name: string } {
  const wire = tensorCodec.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const { shape, elementType, data } = decodeTensor(wire, where);
  const dtype = elementType === 'string' ? 'u8' : elementType;
  const stored = dtype === 'f16' || dtype === 'bf16' ? 'f32' : dtype === 'i4' ? 'i8' : dtype === 'u4' ? 'u8' : dtype;
  return { shape, dtype: stored, data, elementType, name: wire.name ?? '' };
}
