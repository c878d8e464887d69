import type { OpOf } from '../graph.ts';
import type { TensorType } from '../tensor-type.ts';
import { floatsOf, type WorkingGraph } from './working-graph.ts';

/**
 * The rewrites of `processor-top-optimize` that decide names and weights (numerics.md 1.2): a Scale is merged into the
 * Conv before it (which takes the Scale's name and range), any other constant Scale becomes a 1×1 depthwise Conv.
 */
export function mergeScales(graph: WorkingGraph): void {
  for (let index = 0; index < graph.ops.length; index++) {
    const op = graph.ops[index]!;
    if (op.type !== 'top.Scale' || !graph.isWeight(op.inputs[1]!) || !graph.isWeight(op.inputs[2]!)) continue;
    const producer = graph.ops.findIndex((other) => other.outputs.includes(op.inputs[0]!));
    const conv = graph.ops[producer];
    if (conv?.type === 'top.Conv' && canMerge(graph, conv)) {
      graph.replace(index, mergeScale(graph, conv, op));
      graph.replace(producer, undefined);
      graph.values.delete(conv.name);
      index -= 1;
    } else {
      const rank = graph.values.get(op.inputs[0]!)!.shape.length;
      if (rank === 3 || rank === 4) graph.replace(index, depthwise(graph, op));
    }
  }
}

function canMerge(graph: WorkingGraph, conv: OpOf<'top.Conv'>): boolean {
  return (
    graph.useCount(conv.name) === 1 &&
    !conv.attributes.doRelu &&
    graph.isWeight(conv.inputs[1]!) &&
    (conv.inputs[2] == null || graph.isWeight(conv.inputs[2]))
  );
}

function addWeight(graph: WorkingGraph, name: string, type: TensorType, data: Float32Array): string {
  let unique = name;
  for (let k = 1; graph.weights.has(unique); k++) unique = `${name}_${k}`;
  graph.weights.set(unique, { type, data });
  return unique;
}

/** conv(x)·s + b = conv with filter·s and bias·s + b; every product and sum in f32. */
function mergeScale(graph: WorkingGraph, conv: OpOf<'top.Conv'>, scale: OpOf<'top.Scale'>): OpOf<'top.Conv'> {
  const filter = graph.weights.get(conv.inputs[1]!)!;
  const factors = floatsOf(graph.weights.get(scale.inputs[1]!)!);
  const offsets = floatsOf(graph.weights.get(scale.inputs[2]!)!);
  const oldBias = conv.inputs[2] == null ? undefined : floatsOf(graph.weights.get(conv.inputs[2])!);
  const oc = filter.type.shape[0]!;
  const inner = filter.data.length / oc;
  const newFilter = floatsOf(filter).map((w, at) => w * factors[Math.floor(at / inner)]!);
  const bias = Float32Array.from({ length: oc }, (_, c) =>
    oldBias === undefined ? offsets[c]! : Math.fround(oldBias[c]! * factors[c]!) + offsets[c]!,
  );
  const inputs = [
    conv.inputs[0]!,
    addWeight(graph, `${scale.name}_merge_filter`, filter.type, newFilter),
    bias.some((value) => value !== 0)
      ? addWeight(graph, `${scale.name}_merge_bias`, { shape: [oc], dtype: 'f32' }, bias)
      : null,
  ];
  const { doRelu, reluLimit } = scale.attributes;
  return {
    ...conv,
    name: scale.name,
    outputs: scale.outputs,
    inputs,
    attributes: { ...conv.attributes, doRelu, reluLimit },
  };
}

function depthwise(graph: WorkingGraph, scale: OpOf<'top.Scale'>): OpOf<'top.Conv'> {
  const { shape } = graph.values.get(scale.inputs[0]!)!;
  const channels = shape[1]!;
  const spatial = shape.length - 2;
  const filterShape = [channels, 1, ...new Array<number>(spatial).fill(1)];
  const factors = floatsOf(graph.weights.get(scale.inputs[1]!)!);
  const offsets = floatsOf(graph.weights.get(scale.inputs[2]!)!);
  const ones = new Array<number>(spatial).fill(1);
  return {
    type: 'top.Conv',
    name: scale.name,
    outputs: scale.outputs,
    inputs: [
      scale.inputs[0]!,
      addWeight(graph, `${scale.name}_to_weight`, { shape: filterShape, dtype: 'f32' }, Float32Array.from(factors)),
      addWeight(graph, `${scale.name}_to_bias`, { shape: [channels], dtype: 'f32' }, Float32Array.from(offsets)),
    ],
    attributes: {
      kernelShape: ones,
      strides: ones,
      pads: new Array<number>(spatial * 2).fill(0),
      dilations: ones,
      group: channels,
      weightIsCoeff: 1,
      dynweightReordered: false,
      ...scale.attributes,
    },
  };
}
