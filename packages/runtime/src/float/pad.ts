import { elementCount, type OpOf } from '@q/ir';
import type { PrepareContext, RunOp } from '../implementation.ts';
import { contiguousStrides } from '../shapes.ts';
import { bytesPerElement } from '../storage.ts';
import { prepareCopy } from '../strided-copy.ts';
import { refuse } from './refuse.ts';

/** Which input position a padded position reads, for paddings that repeat existing elements. */
const REPEATS: Readonly<Record<string, (at: number, length: number) => number>> = {
  wrap: (at, length) => ((at % length) + length) % length,
  edge: (at, length) => Math.min(Math.max(at, 0), length - 1),
  reflect: (at, length) => mirror(at, length, 2 * (length - 1), 0),
  symmetric: (at, length) => mirror(at, length, 2 * length, 1),
};

export function preparePad(op: OpOf<'top.Pad'>, context: PrepareContext): RunOp {
  if (op.inputs[1] != null) refuse(op, 'computed paddings', 'constant paddings');
  const { mode } = op.attributes;
  const begins = op.attributes.paddings.slice(0, context.input(0).shape.length);
  if (mode === 'constant') return prepareConstant(context, begins, op.attributes.val);
  const repeat = REPEATS[mode] ?? refuse(op, `the mode ${mode}`, `constant, ${Object.keys(REPEATS).join(', ')}`);
  return prepareRepeating(context, begins, repeat);
}

/** Fills everything, then copies what is inside; negative paddings cut. */
function prepareConstant(context: PrepareContext, begins: readonly number[], value: number): RunOp {
  const [x, y] = [context.input(0), context.output()];
  const { kernels } = context;
  const bytes = bytesPerElement(x.dtype);
  const [from, to] = [contiguousStrides(x.shape), contiguousStrides(y.shape)];
  const skipped = begins.map((begin) => Math.max(0, -begin));
  const placed = begins.map((begin) => Math.max(0, begin));
  const dims = x.shape.map((dim, axis) => Math.max(0, Math.min(dim - skipped[axis]!, y.shape[axis]! - placed[axis]!)));
  const copy = prepareCopy(context, x.dtype, { dims, sourceStrides: from, targetStrides: to });
  const offset = (at: readonly number[], strides: readonly number[]): number =>
    bytes * at.reduce((sum, position, axis) => sum + position * strides[axis]!, 0);
  const [first, target] = [offset(skipped, from), offset(placed, to)];
  const fill = x.dtype === 'f32' ? () => kernels.fill_f32(y.ptr, value, y.length) : () => void y.view().fill(value);
  return () => {
    fill();
    copy(x.ptr + first, y.ptr + target);
  };
}

/** Whole rows of the innermost padded dimension's tail are gathered by a table made once. */
function prepareRepeating(
  context: PrepareContext,
  begins: readonly number[],
  repeat: (at: number, length: number) => number,
): RunOp {
  const [x, y] = [context.input(0), context.output()];
  const { kernels } = context;
  const padded = x.shape.map((dim, axis) => dim !== y.shape[axis] || begins[axis] !== 0);
  const tail = padded.lastIndexOf(true) + 1;
  const rowBytes = elementCount(x.shape.slice(tail)) * bytesPerElement(x.dtype);
  const [rowShape, outputShape] = [x.shape.slice(0, tail), y.shape.slice(0, tail)];
  const [strides, digits] = [contiguousStrides(rowShape), contiguousStrides(outputShape)];
  const rows = elementCount(rowShape);
  const table = Int32Array.from({ length: elementCount(outputShape) }, (_, index) =>
    outputShape.reduce((sum, dim, axis) => {
      const at = (Math.floor(index / digits[axis]!) % dim) - begins[axis]!;
      return sum + repeat(at, rowShape[axis]!) * strides[axis]!;
    }, 0),
  );
  const indices = context.place(table);
  return () => void kernels.gather_rows(x.ptr, indices.ptr, y.ptr, table.length, rows, rowBytes);
}

/** Position after reflection at both ends; `twice` is 1 when the border element itself is repeated. */
function mirror(at: number, length: number, period: number, twice: 0 | 1): number {
  if (period === 0) return 0;
  const folded = ((at % period) + period) % period;
  return folded < length ? folded : period - twice - folded;
}
