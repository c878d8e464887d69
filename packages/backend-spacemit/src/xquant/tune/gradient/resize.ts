import { type OpOf, type ResizeForm, type ResizeTap, resizeTaps } from '@q/ir';
import { gradientOf, type Node, sizeOf, type Tape } from './tape.ts';

/** One axis that is resampled: every result is a weighted sum over the axis. */
interface Stage {
  readonly taps: readonly ResizeTap[];
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
}

/** Resize in all its modes: axis by axis from the innermost, as the runtime's definition; linear in x. */
export function resized(tape: Tape, op: OpOf<'top.Interp'>, x: Node, shape: readonly number[]): Node {
  return resampled(tape, x, shape, (axis) => interpolationTaps(op, x.shape, shape, axis));
}

/** Every pixel `scaleH` by `scaleW` times. */
export function upsampled(tape: Tape, x: Node, shape: readonly number[]): Node {
  return resampled(tape, x, shape, (axis) => {
    const times = shape[axis]! / x.shape[axis]!;
    return Array.from({ length: shape[axis]! }, (_, i) => ({ indices: [Math.floor(i / times)], weights: [1] }));
  });
}

function resampled(
  tape: Tape,
  x: Node,
  shape: readonly number[],
  tapsOf: (axis: number) => readonly ResizeTap[],
): Node {
  const stages: Stage[] = [];
  const current = [...x.shape];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] === current[axis]) continue;
    const [outer, inner] = [sizeOf(current.slice(0, axis)), sizeOf(current.slice(axis + 1))];
    stages.push({ taps: tapsOf(axis), outer, axis: current[axis]!, inner });
    current[axis] = shape[axis]!;
  }
  const y = tape.node(shape);
  y.data.set(stages.reduce<Float64Array>(forward, Float64Array.from(x.data)));
  return tape.record(y, (gradient) => {
    const toX = gradientOf(x);
    stages.reduceRight<Float64Array>(backward, Float64Array.from(gradient)).forEach((value, i) => {
      toX[i]! += value;
    });
  });
}

function forward(data: Float64Array, { taps, outer, axis, inner }: Stage): Float64Array {
  const result = new Float64Array(outer * taps.length * inner);
  eachTap({ taps, outer, axis, inner }, (from, to, weight) => {
    result[to]! += data[from]! * weight;
  });
  return result;
}

function backward(gradient: Float64Array, { taps, outer, axis, inner }: Stage): Float64Array {
  const result = new Float64Array(outer * axis * inner);
  eachTap({ taps, outer, axis, inner }, (from, to, weight) => {
    result[from]! += gradient[to]! * weight;
  });
  return result;
}

function eachTap({ taps, outer, axis, inner }: Stage, visit: (from: number, to: number, weight: number) => void): void {
  for (let o = 0; o < outer; o++) {
    taps.forEach(({ indices, weights }, t) => {
      for (let k = 0; k < indices.length; k++) {
        for (let i = 0; i < inner; i++)
          visit((o * axis + indices[k]!) * inner + i, (o * taps.length + t) * inner + i, weights[k]!);
      }
    });
  }
}

function interpolationTaps(
  { attributes }: OpOf<'top.Interp'>,
  from: readonly number[],
  to: readonly number[],
  axis: number,
): readonly ResizeTap[] {
  const form: ResizeForm = {
    mode: attributes.mode,
    coordMode: attributes.coordMode,
    // The runtime's nearest rule where a file says no more: TPU-MLIR's, which rounds down.
    nearestMode: attributes.nearestMode ?? (attributes.coordMode === 'asymmetric' ? 'floor' : 'round_prefer_floor'),
    cubicCoeffA: attributes.cubicCoeffA ?? -0.75,
    excludeOutside: attributes.excludeOutside ?? false,
    antialias: attributes.antialias ?? false,
  };
  const [input, output] = [from[axis]!, to[axis]!];
  const scale = attributes.scales?.[axis] ?? output / input;
  const roi: [number, number] = [attributes.roi?.[2 * axis] ?? 0, attributes.roi?.[2 * axis + 1] ?? 1];
  return resizeTaps({ input, output, scale, roi }, form);
}
