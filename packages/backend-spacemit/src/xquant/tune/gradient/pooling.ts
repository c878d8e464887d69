import type { OpOf } from '@q/ir';
import { gradientOf, type Node, type Tape } from './tape.ts';

/** Input positions of every output of a two-dimensional window, −1 for padding. */
function windows(op: OpOf<'top.MaxPool'> | OpOf<'top.AvgPool'>, x: Node, shape: readonly number[]): Int32Array {
  const { kernelShape, strides, pads } = op.attributes;
  const two = (values: readonly number[], other: number) => (values.length === 1 ? [other, values[0]!] : values);
  const [[KH, KW], [SH, SW], [PH, PW]] = [
    two(kernelShape, 1),
    two(strides, 1),
    two(pads.slice(0, kernelShape.length), 0),
  ] as [number[], number[], number[]] as [[number, number], [number, number], [number, number]];
  const [H, W] = two(x.shape.slice(2), 1) as [number, number];
  const [OH, OW] = two(shape.slice(2), 1) as [number, number];
  const planes = shape[0]! * shape[1]!;
  const from = new Int32Array(planes * OH * OW * KH * KW).fill(-1);
  let to = 0;
  for (let p = 0; p < planes; p++)
    for (let oh = 0; oh < OH; oh++)
      for (let ow = 0; ow < OW; ow++)
        for (let k = 0; k < KH * KW; k++, to++) {
          const [ih, iw] = [oh * SH - PH + Math.floor(k / KW), ow * SW - PW + (k % KW)];
          if (ih >= 0 && ih < H && iw >= 0 && iw < W) from[to] = (p * H + ih) * W + iw;
        }
  return from;
}

export function maxPool(tape: Tape, op: OpOf<'top.MaxPool'>, x: Node, shape: readonly number[]): Node {
  const y = tape.node(shape);
  const from = windows(op, x, shape);
  const size = from.length / y.data.length;
  const chosen = new Int32Array(y.data.length).fill(-1);
  for (let i = 0; i < y.data.length; i++) {
    y.data[i] = Number.NEGATIVE_INFINITY;
    for (let k = i * size; k < (i + 1) * size; k++) {
      if (from[k]! < 0 || x.data[from[k]!]! <= y.data[i]!) continue;
      y.data[i] = x.data[from[k]!]!;
      chosen[i] = from[k]!;
    }
  }
  return tape.record(y, (gradient) => {
    const toX = gradientOf(x);
    for (let i = 0; i < gradient.length; i++) if (chosen[i]! >= 0) toX[chosen[i]!]! += gradient[i]!;
  });
}

export function averagePool(tape: Tape, op: OpOf<'top.AvgPool'>, x: Node, shape: readonly number[]): Node {
  const y = tape.node(shape);
  const from = windows(op, x, shape);
  const size = from.length / y.data.length;
  const counts = new Float64Array(y.data.length);
  for (let i = 0; i < y.data.length; i++) {
    let sum = 0;
    for (let k = i * size; k < (i + 1) * size; k++) {
      if (from[k]! >= 0) sum += x.data[from[k]!]!;
      if (from[k]! >= 0 || op.attributes.countIncludePad) counts[i]!++;
    }
    y.data[i] = sum / counts[i]!;
  }
  return tape.record(y, (gradient) => {
    const toX = gradientOf(x);
    for (let i = 0; i < from.length; i++) {
      const o = Math.floor(i / size);
      if (from[i]! >= 0) toX[from[i]!]! += gradient[o]! / counts[o]!;
    }
  });
}
