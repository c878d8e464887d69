import { type Emit, type Graph, inputsOf, nearest, QError } from '@q/ir';
import { type ExternalData, importOnnx, inspectOnnx, type ModelWire, readOnnxModel } from '@q/ir/onnx';
import type { Fusion, InputItem } from '../config/settings.ts';
import { fusedGroups } from '../fuse/fused-groups.ts';
import { separateQkv } from '../fuse/separate-qkv.ts';
import { legalize } from './legalize.ts';

/** A model that is ready to be quantized, and what its file calls things. */
export interface PreparedModel {
  readonly graph: Graph;
  /** Node names of the file by layer name: the execution provider's filters select by them (spacemit.md 13). */
  readonly nodeNames: ReadonlyMap<string, string>;
  /** ONNX types of these nodes, by layer name. */
  readonly nodeTypes: ReadonlyMap<string, string>;
  readonly graphName: string;
  readonly opset: number;
  readonly irVersion: number;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
}

export interface ReadOptions {
  readonly items?: readonly InputItem[];
  readonly isSimplified?: boolean;
  /** For calibration: QuantizeLinear and DequantizeLinear are refused, shapes must be known. */
  readonly isStatic?: boolean;
  /** `qkv` is done here; the others are looked for and reported when there are none. */
  readonly fusions?: readonly Fusion[];
  readonly externalData?: ExternalData;
  readonly where?: string;
  readonly emit?: Emit;
}

/**
 * Reads a float model node by node (spacemit.md 6).
 *
 * @throws QError `xquant.model.quantized`, `xquant.data.input-shape`, and what `importOnnx` throws
 */
export function readModel(bytes: Uint8Array, options: ReadOptions = {}): PreparedModel {
  const {
    items,
    isSimplified = true,
    isStatic = true,
    fusions = [],
    externalData,
    where = 'the model',
    emit,
  } = options;
  const wire = readOnnxModel(bytes, where);
  if (isStatic) refuseQuantized(wire, where);
  const name = wire.graph?.name ?? '';
  const shapes = inputShapes(bytes, { items, externalData, isStatic });
  const graph = importOnnx(bytes, {
    name: name === '' ? 'XSlim Export' : name,
    canonicalize: false,
    constantOutputs: 'keep',
    where,
    ...(shapes === undefined ? {} : { inputShapes: shapes }),
    ...(externalData === undefined ? {} : { externalData }),
    ...(emit === undefined ? {} : { emit }),
  });
  const legal = withFusions(legalize(graph, { isSimplified }), fusions, emit);
  const opset = wire.opsetImport?.find(({ domain = '' }) => domain === '' || domain === 'ai.onnx')?.version ?? 1;
  return {
    graph: legal,
    ...nodesOf(wire, legal),
    graphName: legal.name,
    opset: Number(opset),
    irVersion: Number(wire.irVersion ?? 0),
    producer: wire.producerName ?? '',
    metadata: new Map((wire.metadataProps ?? []).map(({ key = '', value = '' }) => [key, value])),
  };
}

/** Separates products where asked; a fusion that finds nothing is a warning. */
function withFusions(graph: Graph, fusions: readonly Fusion[], emit: Emit = () => {}): Graph {
  const separated = fusions.includes('qkv') ? separateQkv(graph) : graph;
  for (const fusion of new Set(fusions)) {
    const isFound = fusion === 'qkv' ? separated !== graph : fusedGroups(graph, [fusion]).length > 0;
    if (isFound) continue;
    const message = `${fusion} matches nothing in the network`;
    emit({ type: 'warning', code: 'xquant.fusions.unmatched', where: 'q_parameters.fusions', message });
  }
  return separated;
}

function refuseQuantized(wire: ModelWire, where: string): void {
  const nodes = (wire.graph?.node ?? []).filter(({ opType }) => /^(Q|Deq)uantizeLinear$/.test(opType ?? ''));
  if (nodes.length === 0) return;
  const names = nodes.map(({ name, output }) => name || output?.[0] || '?').join(', ');
  throw new QError(
    'Static quantization does not support input models that already contain QuantizeLinear or DequantizeLinear nodes; ' +
      `quantized models cannot be quantized again. Found unsupported nodes: ${names}`,
    { code: 'xquant.model.quantized', where, found: names, expected: 'a float model' },
  );
}

/** Given shapes win over the file's; a first dimension that is open becomes 1 (spacemit.md 2.4). */
function inputShapes(
  bytes: Uint8Array,
  {
    items,
    externalData,
    isStatic,
  }: { items: readonly InputItem[] | undefined; externalData: ExternalData | undefined; isStatic: boolean },
): number[][] | undefined {
  const { inputs } = inspectOnnx(bytes, 'the model', externalData);
  const names = inputs.map(({ name }) => name);
  const open = inputs.map(({ name, shape }, index) => {
    const given = itemOf(items, name, index, names)?.inputShape;
    const merged =
      given !== undefined && given.length === shape.length ? shape.map((dim, k) => given[k] ?? dim) : shape;
    return merged.map((dim, k) => (dim > 0 ? dim : k === 0 ? 1 : dim));
  });
  const unknown = names.filter((_, index) => open[index]!.some((dim) => dim <= 0));
  if (unknown.length === 0) return open;
  if (!isStatic) return undefined;
  const issues = unknown.map((name) => ({
    code: 'xquant.data.input-shape',
    where: 'input_shape',
    found: `${name} [${open[names.indexOf(name)]!.map((dim) => (dim > 0 ? dim : '?')).join(', ')}]`,
    expected: 'input_shape with a number for every dimension',
  }));
  throw new QError(
    `Calibration input_parametres.shape or Model input shape should be vaild for var ${unknown.join(', ')}`,
    issues[0]!,
    { issues },
  );
}

/** The item for an input: the one that names it, else the one at its place that names no other (spacemit.md 17.6). */
export function itemOf(
  items: readonly InputItem[] | undefined,
  name: string,
  index: number,
  inputs: readonly string[],
): InputItem | undefined {
  const named = items?.find(({ inputName }) => inputName === name);
  if (named !== undefined) return named;
  const placed = items?.[index];
  return placed?.inputName !== undefined && inputs.includes(placed.inputName) ? undefined : placed;
}

function nodesOf(wire: ModelWire, graph: Graph): Pick<PreparedModel, 'nodeNames' | 'nodeTypes'> {
  const byTensor = new Map<string, readonly [name: string, type: string]>();
  (wire.graph?.node ?? []).forEach(({ name, opType = '', output }, index) => {
    for (const tensor of output ?? []) byTensor.set(tensor, [name || `${opType}_${index}`, opType]);
  });
  const [nodeNames, nodeTypes] = [new Map<string, string>(), new Map<string, string>()];
  for (const { name } of graph.ops) {
    const node = byTensor.get(graph.tensorNames.get(name) ?? name);
    if (node === undefined) continue;
    nodeNames.set(name, node[0]);
    nodeTypes.set(name, node[1]);
  }
  return { nodeNames, nodeTypes };
}

/** ONNX name of a value. */
export function tensorOf(graph: Graph, value: string): string {
  return graph.tensorNames.get(value) ?? value;
}

/** The value of an ONNX tensor, if simplification has left it. */
export function valueNamed(graph: Graph, tensor: string): string | undefined {
  if (inputsOf(graph).some(({ name }) => name === tensor)) return tensor;
  for (const value of graph.values.keys()) if (tensorOf(graph, value) === tensor) return value;
  return graph.values.has(tensor) ? tensor : undefined;
}

/** The tensor name that is spelled most like `name`. */
export function nearestTensor(graph: Graph, name: string): string | undefined {
  return nearest(
    name,
    [...graph.values.keys()].map((value) => tensorOf(graph, value)),
  );
}
