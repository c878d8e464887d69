import type { Graph, Op, OpOf, OpType } from '@q/ir';
import { Rewriting } from '../prepare/rewriting.ts';
import { type FusedGroup, isClosed } from './fused-group.ts';

/** Bins of a box side's distribution: what the vendor's operator is made for (spacemit.md 6.2). */
const BINS = 16;

/**
 * The decoding of an anchor-free head in the manner of YOLOv8 (spacemit.md 6.2): box sides as expectations over 16 bins, corners
 * around constant centres, centre and size times a constant stride, scores through Sigmoid.
 */
export function findYoloHeads(graph: Graph): FusedGroup[] {
  const lookup = new Rewriting(graph);
  return graph.ops.flatMap((op) => headAt(op, lookup) ?? []);
}

function headAt(result: Op, graph: Rewriting): FusedGroup | undefined {
  const joined = concatenated(result);
  if (joined === undefined) return undefined;
  const scores = made(graph, joined[1], 'top.Sigmoid');
  const boxes = boxesAt(joined[0], graph);
  const bins = boxes && distributionAt(boxes.sides, graph);
  const score = section(scores?.inputs[0], graph);
  if (scores === undefined || bins === undefined || score === undefined) return undefined;
  const [whole, channels] = [graph.shape(score.source), 4 * BINS];
  const isSplit = bins.input.source === score.source && bins.input.from === 0 && bins.input.to === channels;
  if (!isSplit || whole.length !== 3 || score.from !== channels || score.to !== whole[1]) return undefined;
  const ops = new Set<Op>([result, scores, score.op, bins.input.op, ...boxes!.ops, ...bins.ops]);
  const group: FusedGroup = {
    opType: 'YoloDecode',
    ops,
    result,
    namedAfter: result,
    operands: [
      { of: bins.input.value, at: 0 },
      { of: bins.expectation.name, at: 1, isFlat: true },
      { of: boxes!.first.name, at: 'constant' },
      { of: boxes!.second.name, at: 'constant' },
      { of: boxes!.scaled.name, at: 'constant' },
    ],
    attributes: { num_class: whole[1]! - channels, reg_max: BINS },
  };
  return isClosed(group, graph) ? group : undefined;
}

/** Centre and size times stride, from the corners `centres − sides[0:2]` and `centres + sides[2:4]`. */
function boxesAt(value: string, graph: Rewriting) {
  const scaled = made(graph, value, 'top.Mul') ?? made(graph, value, 'top.MulConst');
  const join = scaled && graph.producer(activationOf(scaled, graph));
  const [middle, extent] = (join && concatenated(join)) ?? [];
  const size = made(graph, extent, 'top.Sub');
  const second = made(graph, size?.inputs[0], 'top.Add');
  const first = made(graph, size?.inputs[1], 'top.Sub');
  const centre = halved(middle, graph);
  if (!scaled || !join || !size || !second || !first || !centre) return undefined;
  const isBetween = centre.sum.inputs.includes(first.name) && centre.sum.inputs.includes(second.name);
  const [low, high] = [section(first.inputs[1], graph), section(activationOf(second, graph), graph)];
  if (!isBetween || !low || !high || !graph.weights.has(first.inputs[0] ?? '')) return undefined;
  if (low.source !== high.source || low.from !== 0 || low.to !== 2 || high.from !== 2 || high.to !== 4)
    return undefined;
  const arithmetic = [scaled, size, second, first, centre.sum, centre.op];
  if (!arithmetic.every(isPlain)) return undefined;
  return { sides: low.source, first, second, scaled, ops: [...arithmetic, join, low.op, high.op] };
}

/** `(a + b) / 2`, which legalisation has made a product. */
function halved(value: string | null | undefined, graph: Rewriting) {
  const scalar = made(graph, value, 'top.MulConst');
  const op = scalar ?? made(graph, value, 'top.Mul');
  const factors = scalar ? [scalar.attributes.constVal] : graph.data(op?.inputs.find((name) => graph.data(name)));
  const sum = op && made(graph, activationOf(op, graph), 'top.Add');
  if (op === undefined || sum === undefined || factors === undefined) return undefined;
  return factors.length === 1 && factors[0] === 0.5 ? { op, sum } : undefined;
}

/** Reshape to [b, 4, 16, n], Transpose, Softmax over the bins, 1x1 convolution to one channel, Reshape to [b, 4, n]. */
function distributionAt(sides: string, graph: Rewriting) {
  const flat = made(graph, sides, 'top.Reshape');
  const expectation = made(graph, flat?.inputs[0], 'top.Conv');
  const softmax = made(graph, expectation?.inputs[0], 'top.Softmax');
  const turned = made(graph, softmax?.inputs[0], 'top.Permute');
  const folded = made(graph, turned?.inputs[0], 'top.Reshape');
  const input = section(folded?.inputs[0], graph);
  if (!flat || !expectation || !softmax || !turned || !folded || !input) return undefined;
  const { pads, group, strides, doRelu } = expectation.attributes;
  const isExpectation =
    same(graph.shape(expectation.inputs[1]!), [1, BINS, 1, 1]) &&
    expectation.inputs[2] == null &&
    !doRelu &&
    group === 1 &&
    [...pads].every((pad) => pad === 0) &&
    [...strides].every((stride) => stride === 1);
  const [batch, , points] = graph.shape(sides);
  const fits =
    softmax.attributes.axis === 1 &&
    !softmax.attributes.log &&
    softmax.attributes.beta === 1 &&
    same(turned.attributes.order, [0, 2, 1, 3]) &&
    same(graph.shape(folded.name), [batch!, 4, BINS, points!]) &&
    same(graph.shape(sides), [batch!, 4, points!]);
  return isExpectation && fits ? { expectation, input, ops: [flat, expectation, softmax, turned, folded] } : undefined;
}

/** Channels `from` to `to` of `source`, which an output of a Split or a Slice is. */
function section(value: string | null | undefined, graph: Rewriting) {
  const op = graph.producer(value);
  if (value == null || op === undefined || (op.type !== 'top.Split' && op.type !== 'top.Slice')) return undefined;
  const source = op.inputs[0]!;
  const [shape, whole] = [graph.shape(value), graph.shape(source)];
  const isOnChannels = shape.length === whole.length && shape.every((dim, k) => k === 1 || dim === whole[k]);
  if (!isOnChannels) return undefined;
  if (op.type === 'top.Slice') {
    const { steps, offset } = op.attributes;
    const isPlainSlice = op.inputs.slice(1).every((name) => name === null) && steps.every((step) => step === 1);
    const from = offset[1] ?? 0;
    return isPlainSlice && from >= 0 ? { value, op, source, from, to: from + shape[1]! } : undefined;
  }
  const before = op.outputs.slice(0, op.outputs.indexOf(value)).map((name) => graph.shape(name!)[1]!);
  const from = before.reduce((sum, size) => sum + size, 0);
  return op.attributes.axis === 1 ? { value, op, source, from, to: from + shape[1]! } : undefined;
}

function made<T extends OpType>(graph: Rewriting, value: string | null | undefined, type: T): OpOf<T> | undefined {
  const op = graph.producer(value);
  return op?.type === type ? (op as OpOf<T>) : undefined;
}

/** The two operands of a Concat of channels. */
function concatenated(op: Op): [string, string] | undefined {
  const isJoin = op.type === 'top.Concat' && op.attributes.axis === 1 && op.inputs.length === 2 && isPlain(op);
  return isJoin ? (op.inputs as [string, string]) : undefined;
}

/** The operand that is no constant. */
function activationOf(op: Op, graph: Rewriting): string | undefined {
  const [value, ...others] = op.inputs.filter((name) => name !== null && !graph.weights.has(name));
  return others.length === 0 ? (value ?? undefined) : undefined;
}

/** Arithmetic as ONNX has it: no bound behind it, operands in their order and without coefficients. */
function isPlain(op: Op): boolean {
  const { doRelu, isReverse, coeff } = op.attributes as { doRelu?: boolean; isReverse?: boolean; coeff?: unknown };
  return doRelu !== true && isReverse !== true && coeff === undefined;
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
