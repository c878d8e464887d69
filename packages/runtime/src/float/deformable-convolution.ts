import type { OpOf } from '@q/ir';
import type { OpImplementation, PrepareContext } from '../implementation.ts';
import type { TensorSlot } from '../slot.ts';
import { refuse } from './refuse.ts';
import { reluBounds } from './relu-bounds.ts';

/** Bilinear value at a point; what lies outside the image counts as 0. */
function bilinear(data: Float32Array, base: number, y: number, x: number, height: number, width: number): number {
  const [top, left] = [Math.floor(y), Math.floor(x)];
  let sum = 0;
  for (let dy = 0; dy < 2; dy++) {
    for (let dx = 0; dx < 2; dx++) {
      const [row, column] = [top + dy, left + dx];
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      const weight = (dy === 0 ? 1 - (y - top) : y - top) * (dx === 0 ? 1 - (x - left) : x - left);
      sum += weight * data[base + row * width + column]!;
    }
  }
  return sum;
}

interface Geometry {
  readonly height: number;
  readonly width: number;
  readonly rows: number;
  readonly columns: number;
  readonly kh: number;
  readonly kw: number;
}

/** What the taps of one output cell see of one channel. */
type Sampler = (n: number, channel: number, cell: number, tap: number) => number;

/** Convolution whose taps are moved by offsets that the network computes (ONNX DeformConv 19, 22; 2-D). */
export const deformConv: OpImplementation<'top.DeformConv2D'> = {
  prepare(op, context) {
    if (op.attributes.kernelShape.length !== 2) refuse(op, `${op.attributes.kernelShape.length} dimensions`, '2');
    const [x, filter, bias, y] = [context.input(0), context.input(1), context.optionalInput(4), context.output()];
    const [batch, channels] = x.shape as [number, number];
    const [features, perGroup, kh, kw] = filter.shape as [number, number, number, number];
    const featuresPerGroup = features / op.attributes.group;
    const cells = y.shape[2]! * y.shape[3]!;
    const taps = kh * kw;
    const { lo, hi } = reluBounds(op.attributes);
    const sampled = new Float64Array(channels * taps);
    const prepareSampler = samplerOf(op, context, { x, y, kh, kw });
    return () => {
      const [w, b, to] = [filter.f32(), bias?.f32(), y.f32()];
      const sampler = prepareSampler();
      for (let n = 0; n < batch; n++) {
        for (let cell = 0; cell < cells; cell++) {
          for (let i = 0; i < sampled.length; i++) sampled[i] = sampler(n, Math.floor(i / taps), cell, i % taps);
          for (let f = 0; f < features; f++) {
            const first = Math.floor(f / featuresPerGroup) * perGroup * taps;
            let sum = b?.[f] ?? 0;
            for (let i = 0; i < perGroup * taps; i++) sum += sampled[first + i]! * w[f * perGroup * taps + i]!;
            to[(n * features + f) * cells + cell] = Math.min(Math.max(sum, lo), hi);
          }
        }
      }
    };
  },
};

function samplerOf(
  op: OpOf<'top.DeformConv2D'>,
  context: PrepareContext,
  { x, y, kh, kw }: { x: TensorSlot; y: TensorSlot; kh: number; kw: number },
): () => Sampler {
  const [offset, mask] = [context.input(2), context.optionalInput(3)];
  const [, channels, height, width] = x.shape as [number, number, number, number];
  const g: Geometry = { height, width, rows: y.shape[2]!, columns: y.shape[3]!, kh, kw };
  const { strides, pads, dilations, deformGroup } = op.attributes;
  const [cells, taps] = [g.rows * g.columns, kh * kw];
  const step = (axis: number) => dilations?.[axis] ?? 1;
  return () => {
    const [from, moves, factors] = [x.f32(), offset.f32(), mask?.f32()];
    return (n, channel, cell, tap) => {
      const group = n * deformGroup + Math.floor(channel / (channels / deformGroup));
      const at = (component: number) => ((group * taps + tap) * 2 + component) * cells + cell;
      const [row, column] = [Math.floor(cell / g.columns), cell % g.columns];
      const py = row * strides[0]! - pads[0]! + Math.floor(tap / kw) * step(0) + moves[at(0)]!;
      const px = column * strides[1]! - pads[1]! + (tap % kw) * step(1) + moves[at(1)]!;
      const value = bilinear(from, (n * channels + channel) * height * width, py, px, height, width);
      return factors === undefined ? value : value * factors[(group * taps + tap) * cells + cell]!;
    };
  };
}
