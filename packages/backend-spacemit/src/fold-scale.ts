import type { Graph, KnownOp, Op, OpOf, Plan, Weight } from '@q/ir';

/**
 * Merges a Scale into the convolution in front of it (spacemit.md 6.3): filter and bias are multiplied per output channel. The
 * result is the Scale's layer, as at deployment with TPU-MLIR (ir.md 7.3). Convolutions with another reader, a fused Relu or
 * another precision are left alone.
 */
export function foldScales(graph: Graph, plan: Plan): Graph {
  const weights = new Map(graph.weights);
  const replaced = new Map<Op, Op | undefined>();
  const readers = countReaders(graph);
  const producers = new Map(graph.ops.flatMap((op) => op.outputs.map((name) => [name, op] as const)));
  for (const op of graph.ops) {
    if (op.type !== 'top.Scale') continue;
    const conv = producers.get(op.inputs[0]!);
    if (conv?.type !== 'top.Conv' || conv.attributes.doRelu || readers.get(conv.name) !== 1 || replaced.has(conv))
      continue;
    if (plan.ops.get(conv.name)?.precision !== plan.ops.get(op.name)?.precision) continue;
    const merged = mergeScale(conv, op, weights);
    if (merged === undefined) continue;
    replaced.set(conv, undefined);
    replaced.set(op, merged);
  }
  if (replaced.size === 0) return graph;
  const ops = graph.ops.map((op) => (replaced.has(op) ? replaced.get(op) : op)).filter((op) => op !== undefined);
  const removed = new Set([...replaced].filter(([, by]) => by === undefined).map(([op]) => op.name));
  const values = new Map([...graph.values].filter(([name]) => !removed.has(name)));
  return { ...graph, ops, values, weights };
}

function mergeScale(
  conv: OpOf<'top.Conv'>,
  scale: OpOf<'top.Scale'>,
  weights: Map<string, Weight>,
): KnownOp | undefined {
  const [input, filterName, biasName] = conv.inputs;
  const operands = [filterName, biasName, scale.inputs[1], scale.inputs[2]];
  const [filter, bias, factor, offset] = operands.map((name) => (name == null ? undefined : weights.get(name)?.data));
  const isF32 = (data: unknown): data is Float32Array => data instanceof Float32Array;
  if (!isF32(filter) || !isF32(factor) || !isF32(offset) || !(biasName == null || isF32(bias))) return undefined;
  const channels = factor.length;
  const size = filter.length / channels;
  const names = [`${scale.name}_filter`, `${scale.name}_bias`] as const;
  if (names.some((name) => weights.has(name))) return undefined;
  const scaled = filter.map((value, i) => value * factor[Math.floor(i / size)]!);
  const shifted = Float32Array.from(
    offset,
    (value, c) => (biasName == null ? 0 : Number(bias![c]) * factor[c]!) + value,
  );
  weights.set(names[0], { type: weights.get(filterName!)!.type, data: scaled });
  weights.set(names[1], { type: { shape: [channels], dtype: 'f32' }, data: shifted });
  const { doRelu, reluLimit } = scale.attributes;
  const { name, outputs } = scale;
  return { ...conv, name, outputs, inputs: [input!, ...names], attributes: { ...conv.attributes, doRelu, reluLimit } };
}

function countReaders(graph: Graph): Map<string, number> {
  const readers = new Map<string, number>();
  for (const name of [...graph.ops.flatMap(({ inputs }) => inputs), ...graph.outputs]) {
    if (name !== null) readers.set(name, (readers.get(name) ?? 0) + 1);
  }
  return readers;
}
