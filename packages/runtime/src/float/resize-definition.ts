import { elementCount, type OpOf, type ResizeForm, type ResizeTap, resizeTaps } from '@q/ir';
import type { PrepareContext, RunOp } from '../implementation.ts';

/**
 * ONNX's Resize in any number of dimensions and all its modes, axis by axis from the innermost, in plain TypeScript: for
 * what TPU-MLIR's Interp does not say. Sums are float64, rounded once at the end.
 */
export function prepareResize(op: OpOf<'top.Interp'>, context: PrepareContext): RunOp {
  const [x, y] = [context.input(0), context.output()];
  const { attributes } = op;
  const rank = x.shape.length;
  const form: ResizeForm = {
    mode: attributes.mode,
    coordMode: attributes.coordMode,
    nearestMode: attributes.nearestMode ?? 'round_prefer_floor',
    cubicCoeffA: attributes.cubicCoeffA ?? -0.75,
    excludeOutside: attributes.excludeOutside ?? false,
    antialias: attributes.antialias ?? false,
  };
  const scales = attributes.scales ?? y.shape.map((dim, axis) => dim / x.shape[axis]!);
  const roi = attributes.roi ?? x.shape.flatMap(() => [0, 1]);
  const shape = [...x.shape];
  const stages: { taps: ResizeTap[]; outer: number; axis: number; inner: number }[] = [];
  for (let axis = rank - 1; axis >= 0; axis--) {
    const [input, output, scale] = [x.shape[axis]!, y.shape[axis]!, scales[axis]!];
    const part: [number, number] = [roi[2 * axis]!, roi[2 * axis + 1]!];
    if (input === output && scale === 1 && part[0] === 0 && part[1] === 1) continue;
    const taps = resizeTaps({ input, output, scale, roi: part }, form);
    stages.push({
      taps,
      outer: elementCount(shape.slice(0, axis)),
      axis: input,
      inner: elementCount(shape.slice(axis + 1)),
    });
    shape[axis] = output;
  }
  const outside = attributes.extrapolationValue ?? 0;
  return () => {
    const result = stages.reduce<Float32Array | Float64Array>(
      (data, stage) => resizedAxis(data, stage, outside),
      x.f32(),
    );
    y.f32().set(result);
  };
}

function resizedAxis(
  data: Float32Array | Float64Array,
  { taps, outer, axis, inner }: { taps: readonly ResizeTap[]; outer: number; axis: number; inner: number },
  outside: number,
): Float64Array {
  const result = new Float64Array(outer * taps.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const { indices, weights } of taps) {
      for (let i = 0; i < inner; i++) {
        let sum = indices.length === 0 ? outside : 0;
        for (let k = 0; k < indices.length; k++) sum += data[(o * axis + indices[k]!) * inner + i]! * weights[k]!;
        result[at++] = sum;
      }
    }
  }
  return result;
}
