import type { Rewrite } from './rewrite.ts';
import { addValue, makeOp, replaceBy } from './rewrite.ts';

/** Bytes of a lane: a global average whose bfloat16 rows do not fit is taken in slices. */
const LANE_BYTES = 32 * 1024;

/** A Relu that was fused into a pool becomes an operator again. */
export const poolReluApart: Rewrite = (state, op, index) => {
  if (op.type !== 'top.AvgPool' && op.type !== 'top.MaxPool') return false;
  if (!op.attributes.doRelu) return false;
  const at = op.name.toLowerCase().indexOf('relu');
  const pooled = `${at < 0 ? op.name : op.name.slice(0, at)}_pool`;
  addValue(state, pooled, state.graph.values.get(op.name)!, state.ranges.get(op.name));
  return replaceBy(state, index, [
    makeOp(op.type, pooled, op.inputs, { ...op.attributes, doRelu: false }),
    makeOp('top.Relu', op.name, [pooled], { reluLimit: -1 }),
  ]);
};

/** A global average of a large plane: averages of slices of rows, then the average of those (numerics.md 1.2). */
export const splitGlobalAverage: Rewrite = (state, op, index) => {
  if (op.type !== 'top.AvgPool' || op.attributes.kernelShape.length !== 2) return false;
  const [input, output] = [state.graph.values.get(op.inputs[0]!)!.shape, state.graph.values.get(op.name)!.shape];
  const [n, c, h, w] = input as readonly [number, number, number, number];
  const bytes = 2 * n * h * w;
  if (input.length !== 4 || output[2] !== 1 || output[3] !== 1 || bytes + 2 * n < LANE_BYTES) return false;
  const range = state.ranges.get(op.name);
  const rows = Math.trunc((LANE_BYTES - 2 * n) / (2 * n * w));
  const ops = [];
  const averages: string[] = [];
  for (let start = 0; start < h; start += rows) {
    const height = Math.min(rows, h - start);
    const end = start + height;
    const [slice, pool] = [`slice_${op.name}${end}`, `pool_${op.name}${end}`];
    addValue(state, slice, { shape: [n, c, height, w], dtype: 'f32' }, range);
    addValue(state, pool, { shape: [n, c, 1, 1], dtype: 'f32' }, range);
    ops.push(
      makeOp('top.Slice', slice, [op.inputs[0]!], {
        offset: [0, 0, start, 0],
        steps: [1, 1, 1, 1],
        ends: [n, c, end, w],
      }),
      makeOp('top.AvgPool', pool, [slice], { kernelShape: [height, w], strides: [1, 1], pads: [0, 0, 0, 0] }),
    );
    averages.push(pool);
  }
  const concat = `concat_${op.name}`;
  addValue(state, concat, { shape: [n, c, averages.length, 1], dtype: 'f32' }, range);
  ops.push(makeOp('top.Concat', concat, averages, { axis: 2 }));
  const last = { kernelShape: [averages.length, 1], strides: [1, 1], pads: [0, 0, 0, 0] };
  return replaceBy(state, index, [...ops, makeOp('top.AvgPool', op.name, [concat], last)]);
};
