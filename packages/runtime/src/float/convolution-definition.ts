import { elementCount, type OpOf } from '@q/ir';
import type { PrepareContext, RunOp } from '../implementation.ts';
import { contiguousStrides } from '../shapes.ts';
import { reluBounds } from './relu-bounds.ts';

/** Coordinates of a flat index. */
function placeOf(index: number, shape: readonly number[], strides: readonly number[]): number[] {
  return strides.map((stride, axis) => Math.floor(index / stride) % shape[axis]!);
}

interface Geometry {
  readonly kernelShape: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations?: readonly number[];
}

/** Where every tap of every output position reads; −1 outside. */
function tapTable(spatial: readonly number[], outputs: readonly number[], g: Geometry): Int32Array {
  const [inputSteps, outputSteps] = [contiguousStrides(spatial), contiguousStrides(outputs)];
  const tapSteps = contiguousStrides(g.kernelShape);
  const [cells, taps] = [elementCount(outputs), elementCount(g.kernelShape)];
  const table = new Int32Array(cells * taps);
  for (let cell = 0; cell < cells; cell++) {
    const origin = placeOf(cell, outputs, outputSteps).map((o, axis) => o * g.strides[axis]! - g.pads[axis]!);
    for (let tap = 0; tap < taps; tap++) {
      const at = placeOf(tap, g.kernelShape, tapSteps).map((k, axis) => origin[axis]! + k * (g.dilations?.[axis] ?? 1));
      const isInside = at.every((position, axis) => position >= 0 && position < spatial[axis]!);
      table[cell * taps + tap] = isInside ? at.reduce((sum, p, axis) => sum + p * inputSteps[axis]!, 0) : -1;
    }
  }
  return table;
}

/** Convolution in any number of dimensions from its definition, sums in float64: what no kernel does. */
export function prepareConvolution(op: OpOf<'top.Conv'>, context: PrepareContext): RunOp {
  const [x, filter, bias, y] = [context.input(0), context.input(1), context.optionalInput(2), context.output()];
  const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
  const [, features, ...outputs] = y.shape as [number, number, ...number[]];
  const { group } = op.attributes;
  const [perGroup, featuresPerGroup] = [channels / group, features / group];
  const [plane, cells, taps] = [elementCount(spatial), elementCount(outputs), elementCount(op.attributes.kernelShape)];
  const table = tapTable(spatial, outputs, op.attributes);
  const { lo, hi } = reluBounds(op.attributes);
  return () => {
    const [from, w, b, to] = [x.f32(), filter.f32(), bias?.f32(), y.f32()];
    for (let n = 0; n < batch; n++) {
      for (let f = 0; f < features; f++) {
        const first = Math.floor(f / featuresPerGroup) * perGroup;
        for (let cell = 0; cell < cells; cell++) {
          let sum = b?.[f] ?? 0;
          for (let c = 0; c < perGroup; c++) {
            const base = (n * channels + first + c) * plane;
            for (let tap = 0; tap < taps; tap++) {
              const at = table[cell * taps + tap]!;
              if (at >= 0) sum += from[base + at]! * w[(f * perGroup + c) * taps + tap]!;
            }
          }
          to[(n * features + f) * cells + cell] = Math.min(Math.max(sum, lo), hi);
        }
      }
    }
  };
}

/**
 * Transposed convolution in any number of dimensions, also with a filter that the graph computes. The filter is stored
 * (g, oc/g, ic/g, k…) (ir.md 8.5). Every input element is spread over the outputs that it reaches.
 */
export function prepareTransposed(op: OpOf<'top.Deconv'>, context: PrepareContext): RunOp {
  const [x, filter, bias, y] = [context.input(0), context.input(1), context.optionalInput(2), context.output()];
  const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
  const [, features, ...outputs] = y.shape as [number, number, ...number[]];
  const { group } = op.attributes;
  const [perGroup, featuresPerGroup] = [channels / group, features / group];
  const [plane, cells, taps] = [elementCount(spatial), elementCount(outputs), elementCount(op.attributes.kernelShape)];
  // The taps of the convolution that this one transposes: from outputs to inputs.
  const table = tapTable(outputs, spatial, op.attributes);
  const { lo, hi } = reluBounds(op.attributes);
  const sums = new Float64Array(cells);
  return () => {
    const [from, w, b, to] = [x.f32(), filter.f32(), bias?.f32(), y.f32()];
    for (let n = 0; n < batch; n++) {
      for (let f = 0; f < features; f++) {
        const g = Math.floor(f / featuresPerGroup);
        sums.fill(b?.[f] ?? 0);
        for (let c = 0; c < perGroup; c++) {
          const base = (n * channels + g * perGroup + c) * plane;
          const taken = (f * perGroup + c) * taps;
          for (let i = 0; i < plane * taps; i++) {
            const at = table[i]!;
            if (at >= 0) sums[at]! += from[base + Math.floor(i / taps)]! * w[taken + (i % taps)]!;
          }
        }
        const target = (n * features + f) * cells;
        for (let cell = 0; cell < cells; cell++) to[target + cell] = Math.min(Math.max(sums[cell]!, lo), hi);
      }
    }
  };
}
