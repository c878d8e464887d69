import { elementCount } from '../../dtype.ts';
import { floatData } from '../convert/conversion.ts';
import {
  floatAttribute,
  intAttribute,
  intsAttribute,
  numbersOf,
  type OnnxAttribute,
  type OnnxNode,
  replaceNode,
  replaceValue,
  stringAttribute,
} from '../onnx-graph.ts';
import type { Constant } from '../tensor-data.ts';
import type { Rule, RuleContext } from './rule.ts';

const vector = (data: Float32Array): Constant => ({ shape: [data.length], elementType: 'f32', data });

/** Puts `changed` in the place of `conv` and lets the readers of `follower` read it: the Conv's name survives. */
function absorb(context: RuleContext, conv: OnnxNode, changed: OnnxNode, follower: OnnxNode): boolean {
  replaceNode(context.graph, conv, changed);
  return replaceValue(context.graph, follower.outputs[0]!, conv.outputs[0]!);
}

/**
 * BatchNormalization into the Conv before it, in f32: s = γ / √(var + ε), W·s, (b − mean)·s + β. The Conv's output name
 * survives (ir.md 8.1, step 4).
 */
export const batchNormIntoConv: Rule = (node, context) => {
  if (node.opType !== 'BatchNormalization' || node.outputs.length > 1) return false;
  const conv = context.soleProducer(node.inputs[0], 'Conv');
  const filter = context.constant(conv?.inputs[1]);
  const [gamma, beta, mean, variance] = node.inputs.slice(1, 5).map((input) => context.constant(input));
  if (conv === undefined || filter === undefined || !gamma || !beta || !mean || !variance) return false;
  if (conv.inputs[2] && context.constant(conv.inputs[2]) === undefined) return false;
  const bias = context.constant(conv.inputs[2]);
  const scale = batchNormScale(floatData(gamma), floatData(variance), floatAttribute(node, 'epsilon', 1e-5));
  const fusedBias = Float32Array.from(scale, (s, channel) => {
    const centred = Math.fround((bias === undefined ? 0 : Number(bias.data[channel])) - Number(mean.data[channel]));
    return Math.fround(centred * s) + Number(beta.data[channel]);
  });
  const names = [
    context.addConstant(`${conv.outputs[0]}_weight`, scaledFilter(filter, scale)),
    context.addConstant(`${conv.outputs[0]}_bias`, vector(fusedBias)),
  ];
  forget(context, conv, conv.inputs[1]!);
  return absorb(context, conv, { ...conv, inputs: [conv.inputs[0]!, ...names] }, node);
};

/** A large model must not be held twice: what only `reader` read goes as soon as its replacement is there. */
function forget({ graph }: RuleContext, reader: OnnxNode, constant: string): void {
  const isRead =
    graph.outputs.includes(constant) || graph.nodes.some((node) => node !== reader && node.inputs.includes(constant));
  if (!isRead) graph.constants.delete(constant);
}

function batchNormScale(gamma: Float32Array, variance: Float32Array, epsilon: number): Float32Array {
  const eps = Math.fround(epsilon);
  return gamma.map((value, channel) => value / Math.fround(Math.sqrt(Math.fround(variance[channel]! + eps))));
}

function scaledFilter(filter: Constant, scale: Float32Array): Constant {
  const perChannel = elementCount(filter.shape.slice(1));
  const source = floatData(filter);
  const data = new Float32Array(source.length);
  scale.forEach((factor, channel) => {
    const end = (channel + 1) * perChannel;
    for (let at = channel * perChannel; at < end; at++) data[at] = source[at]! * factor;
  });
  return { shape: filter.shape, elementType: 'f32', data };
}

/** A per-channel constant added to a Conv without bias becomes its bias; the Conv's name survives. */
export const addIntoConv: Rule = (node, context) => {
  if (node.opType !== 'Add') return false;
  const conv = context.soleProducer(node.inputs[0], 'Conv');
  const bias = context.constant(node.inputs[1]);
  const outputs = context.shape(conv?.inputs[1])?.[0];
  const rank = context.shape(conv?.outputs[0])?.length;
  if (conv === undefined || conv.inputs[2] || bias === undefined || outputs === undefined || rank === undefined)
    return false;
  const channelAxis = bias.shape.length - rank + 1;
  const count = elementCount(bias.shape);
  const perChannel = count === outputs && bias.shape[channelAxis] === outputs;
  if (!perChannel && count !== 1) return false;
  const data = perChannel ? floatData(bias) : new Float32Array(outputs).fill(Number(bias.data[0]));
  const name = context.addConstant(`${conv.outputs[0]}_bias`, vector(data));
  return absorb(context, conv, { ...conv, inputs: [conv.inputs[0]!, conv.inputs[1]!, name] }, node);
};

/** Begins and ends of a constant zero Pad that touches spatial dimensions only. */
function spatialPads(pad: OnnxNode, context: RuleContext, rank: number): number[] | undefined {
  const value = context.constant(pad.inputs[2]);
  const known = !pad.inputs[2] || value !== undefined;
  const zero = (value === undefined ? floatAttribute(pad, 'value', 0) : Number(value.data[0])) === 0;
  if (stringAttribute(pad, 'mode', 'constant') !== 'constant' || !known || !zero || pad.inputs[3]) return undefined;
  const constant = context.constant(pad.inputs[1]);
  const pads = intsAttribute(pad, 'pads') ?? (constant && numbersOf(constant));
  if (pads === undefined || pads.length !== 2 * rank || pads.some((amount) => amount < 0)) return undefined;
  if ([0, 1, rank, rank + 1].some((at) => pads[at] !== 0)) return undefined;
  return [...pads.slice(2, rank), ...pads.slice(rank + 2)];
}

/** A zero Pad of spatial dimensions that only this Conv reads goes into its `pads`. */
export const padIntoConv: Rule = (node, context) => node.opType === 'Conv' && absorbPad(node, context);

/** The same for an AveragePool, which then counts padding. Not where it pads without counting, or rounds its size up. */
export const padIntoPool: Rule = (node, context) => {
  if (node.opType !== 'AveragePool' || intAttribute(node, 'ceil_mode', 0) !== 0) return false;
  const pads = intsAttribute(node, 'pads') ?? [];
  if (intAttribute(node, 'count_include_pad', 0) === 0 && pads.some((amount) => amount !== 0)) return false;
  return absorbPad(node, context, [['count_include_pad', { kind: 'int', value: 1n }]]);
};

function absorbPad(
  node: OnnxNode,
  context: RuleContext,
  attributes: readonly (readonly [string, OnnxAttribute])[] = [],
): boolean {
  if (stringAttribute(node, 'auto_pad', 'NOTSET') !== 'NOTSET') return false;
  const pad = context.soleProducer(node.inputs[0], 'Pad');
  const rank = context.shape(node.inputs[0])?.length;
  if (pad === undefined || rank === undefined) return false;
  const amounts = spatialPads(pad, context, rank);
  if (amounts === undefined) return false;
  const own = intsAttribute(node, 'pads') ?? amounts.map(() => 0);
  const pads: OnnxAttribute = { kind: 'ints', value: own.map((amount, index) => BigInt(amount + amounts[index]!)) };
  replaceNode(context.graph, pad);
  replaceNode(context.graph, node, {
    ...node,
    inputs: [pad.inputs[0]!, ...node.inputs.slice(1)],
    attributes: new Map([...node.attributes, ['pads', pads], ...attributes]),
  });
  return true;
}
