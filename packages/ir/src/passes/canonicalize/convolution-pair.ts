import type { OpOf } from '../../graph.ts';
import { type Rewriter, type Rule, rule } from './rewriter.ts';

type Conv = OpOf<'top.Conv'>;

/** Merging is left out where the merged filter has more than this many times the numbers of the two together. */
const MAX_GROWTH = 20;

/** Filter and bias of a convolution with a square kernel: [outputs, inputs, side, side] and [outputs]. */
interface Linear {
  readonly filter: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly outputs: number;
  readonly inputs: number;
  readonly side: number;
}

/** A 1x1 Conv and the Conv that alone reads it are one Conv, named after the second (ir.md 7.3). */
const mergePointwise = rule('top.Conv', (conv, rw) => {
  const first = rw.producer(conv.inputs[0], 'top.Conv');
  if (first === undefined || !rw.hasOneUse(first.name)) return false;
  // What TPU-MLIR does not look at: with strides, the first reads other places than the second would.
  if (first.attributes.strides.some((stride) => stride !== 1)) return false;
  const [before, after] = [linearOf(first, rw), linearOf(conv, rw)];
  if (before === undefined || after === undefined || before.side !== 1) return false;
  const size = after.outputs * before.inputs * after.side ** 2;
  if (size / (after.filter.length + before.filter.length) > MAX_GROWTH) return false;

  const shape = [after.outputs, before.inputs, after.side, after.side];
  const filter = rw.addWeight(conv.name, 'merge_filter_weight', shape, mergedFilter(before, after));
  const bias = mergedBias(before, after);
  const biasShape = after.bias === undefined ? [after.outputs] : rw.shape(conv.inputs[2]!);
  const biasName = bias === undefined ? null : rw.addWeight(conv.name, 'merge_bias_weight', biasShape, bias);
  rw.replace(conv, rw.change(conv, { inputs: [first.inputs[0]!, filter, biasName] }));
  rw.replace(first);
  return true;
});

/** Undefined for a Conv that is more than a filter over unpadded places of all channels. */
function linearOf(conv: Conv, rw: Rewriter): Linear | undefined {
  const { kernelShape, pads, group, inserts, doRelu } = conv.attributes;
  const [height, width] = kernelShape;
  if (kernelShape.length !== 2 || height !== width || group !== 1 || doRelu) return undefined;
  if ([...pads, ...(inserts ?? [])].some((amount) => amount !== 0)) return undefined;
  const filter = rw.weightData(conv.inputs[1]);
  const bias = rw.weightData(conv.inputs[2]);
  if (filter === undefined || (bias === undefined && conv.inputs[2] != null)) return undefined;
  const [outputs, inputs] = rw.shape(conv.inputs[1]!) as [number, number];
  return { filter, bias, outputs, inputs, side: height! };
}

/** Sums over the channels between, each product and sum in f32 as TPU-MLIR takes them. */
function mergedFilter(before: Linear, after: Linear): Float32Array {
  const places = after.side ** 2;
  const merged = new Float32Array(after.outputs * before.inputs * places);
  for (let at = 0; at < merged.length; at++) {
    const output = Math.floor(at / (before.inputs * places));
    const input = Math.floor(at / places) % before.inputs;
    let sum = 0;
    for (let between = 0; between < after.inputs; between++) {
      const weight = after.filter[(output * after.inputs + between) * places + (at % places)]!;
      sum = Math.fround(sum + Math.fround(weight * before.filter[between * before.inputs + input]!));
    }
    merged[at] = sum;
  }
  return merged;
}

/** The second's bias and what it makes of the first's, in f32; the second's own where the first has none. */
function mergedBias(before: Linear, after: Linear): Float32Array | undefined {
  if (before.bias === undefined) return after.bias;
  const places = after.side ** 2;
  const perOutput = after.inputs * places;
  return Float32Array.from({ length: after.outputs }, (_, output) => {
    let sum = 0;
    for (let at = 0; at < perOutput; at++) {
      const weight = after.filter[output * perOutput + at]!;
      sum = Math.fround(sum + Math.fround(before.bias![Math.floor(at / places)]! * weight));
    }
    return (after.bias?.[output] ?? 0) + sum;
  });
}

export const convolutionPairRules: readonly Rule[] = [mergePointwise];
