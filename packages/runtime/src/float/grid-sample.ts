import { elementCount, type OpOf } from '@q/ir';
import type { OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { contiguousStrides } from '../shapes.ts';
import { refuse } from './refuse.ts';

/** Weights of the four neighbours of a cubic sample, A = −0.75, at the fraction t. */
function cubicWeights(t: number): number[] {
  const a = -0.75;
  const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return [far(1 + t), near(t), near(1 - t), far(2 - t)];
}

/** Folds a coordinate back into [low, high] at both ends. */
function reflect(x: number, low: number, high: number): number {
  const span = high - low;
  if (span <= 0) return 0;
  const distance = Math.abs(x - low);
  const turns = Math.floor(distance / span);
  const rest = distance - turns * span;
  return turns % 2 === 0 ? low + rest : high - rest;
}

interface AxisRule {
  readonly length: number;
  readonly alignCorners: boolean;
  readonly padding: number;
}

function unnormalise(g: number, { length, alignCorners }: AxisRule): number {
  return alignCorners ? ((g + 1) / 2) * (length - 1) : ((g + 1) * length - 1) / 2;
}

/** Where a padded coordinate reads: border clamps, reflection folds; zeros leaves it outside. */
function padded(x: number, { length, alignCorners, padding }: AxisRule): number {
  if (padding === 1) return Math.min(Math.max(x, 0), length - 1);
  if (padding !== 2) return x;
  const folded = alignCorners ? reflect(x, 0, length - 1) : reflect(x, -0.5, length - 0.5);
  return Math.min(Math.max(folded, 0), length - 1);
}

/** Ties go to the even neighbour, as in ONNX's reference and PyTorch. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Positions and weights of one axis; a position of −1 is outside and counts as 0. */
interface Taps {
  readonly at: readonly number[];
  readonly weights: readonly number[];
}

function tapsOf(g: number, mode: number, rule: AxisRule): Taps {
  const raw = unnormalise(g, rule);
  const inside = (index: number) => (index >= 0 && index < rule.length ? index : -1);
  if (mode === 2) {
    const first = Math.floor(raw);
    const at = [-1, 0, 1, 2].map((step) => inside(Math.round(padded(first + step, rule))));
    return { at, weights: cubicWeights(raw - first) };
  }
  const x = padded(raw, rule);
  if (mode === 1) return { at: [inside(roundHalfEven(x))], weights: [1] };
  const first = Math.floor(x);
  return { at: [inside(first), inside(first + 1)], weights: [1 - (x - first), x - first] };
}

/** Images, on the kernel. */
function prepareImages(op: OpOf<'top.GridSampler'>, context: PrepareContext): RunOp {
  const { kernels } = context;
  const [x, grid, y] = [context.input(0), context.input(1), context.output()];
  const [batch, channels, ih, iw] = x.shape as [number, number, number, number];
  const cells = elementCount(grid.shape.slice(1, -1));
  const { mode, paddingMode, alignCorners } = op.attributes;
  const corners = alignCorners ? 1 : 0;
  return () =>
    kernels.f32_grid_sample(x.ptr, grid.ptr, y.ptr, batch, channels, ih, iw, cells, mode, paddingMode, corners);
}

/** ONNX GridSample (16, 20, 22) in any number of spatial dimensions; the last grid component is the innermost axis. */
export const gridSampler: OpImplementation<'top.GridSampler'> = {
  prepare(op: OpOf<'top.GridSampler'>, context) {
    const [x, grid, y] = [context.input(0), context.input(1), context.output()];
    const { mode, paddingMode, alignCorners } = op.attributes;
    if (mode < 0 || mode > 2) refuse(op, `mode ${mode}`, '0 linear, 1 nearest, 2 cubic');
    if (x.shape.length === 4) return prepareImages(op, context);
    const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
    const rules = spatial.map((length) => ({ length, alignCorners, padding: paddingMode }));
    const strides = contiguousStrides(spatial);
    const [plane, cells] = [elementCount(spatial), elementCount(grid.shape.slice(1, -1))];
    const rank = spatial.length;
    return () => {
      const [from, at, to] = [x.f32(), grid.f32(), y.f32()];
      for (let n = 0; n < batch; n++) {
        for (let cell = 0; cell < cells; cell++) {
          const place = (n * cells + cell) * rank;
          const taps = rules.map((rule, axis) => tapsOf(at[place + rank - 1 - axis]!, mode, rule));
          for (let c = 0; c < channels; c++) {
            const base = (n * channels + c) * plane;
            to[(n * channels + c) * cells + cell] = sample(from, base, taps, strides, 0);
          }
        }
      }
    };
  },
};

function sample(
  data: Float32Array,
  base: number,
  taps: readonly Taps[],
  strides: readonly number[],
  axis: number,
): number {
  if (axis === taps.length) return data[base]!;
  const { at, weights } = taps[axis]!;
  let sum = 0;
  for (let k = 0; k < at.length; k++) {
    if (at[k]! >= 0 && weights[k] !== 0) {
      sum += weights[k]! * sample(data, base + at[k]! * strides[axis]!, taps, strides, axis + 1);
    }
  }
  return sum;
}
