import type { OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { aroundAxis } from '../shapes.ts';

/**
 * The K largest (or smallest) elements along an axis, best first, ties to the lower index. Indices are stored as float.
 */
export const topK: OpImplementation<'top.TopK'> = {
  prepare(op, context) {
    const x = context.input(0);
    const [values, indices] = [context.optionalOutput(0), context.optionalOutput(1)];
    const { outer, axis, inner } = aroundAxis(x.shape, op.attributes.axis);
    const kept = aroundAxis((values ?? indices ?? x).shape, op.attributes.axis).axis;
    const isFloat = [x, values, indices].every((slot) => slot === null || slot.dtype === 'f32');
    if (isFloat && kept > 0 && kept <= axis) {
      return prepareFloats(context, { outer, axis, inner, kept, largest: op.attributes.largest ? 1 : 0 });
    }
    const sign = op.attributes.largest ? -1 : 1;
    const order = new Int32Array(axis);
    return () => {
      const from = x.view();
      for (let line = 0; line < outer * inner; line++) {
        const [row, column] = [Math.floor(line / inner), line % inner];
        const start = row * axis * inner + column;
        const value = (index: number): number => from[start + index * inner]!;
        for (let i = 0; i < axis; i++) order[i] = i;
        order.sort((a, b) => sign * (value(a) - value(b)) || a - b);
        for (let k = 0; k < kept; k++) {
          const at = (row * kept + k) * inner + column;
          if (values !== null) values.view()[at] = value(order[k]!);
          if (indices !== null) indices.view()[at] = order[k]!;
        }
      }
    };
  },
};

interface Lines {
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
  readonly kept: number;
  readonly largest: number;
}

function prepareFloats(context: PrepareContext, { outer, axis, inner, kept, largest }: Lines): RunOp {
  const { kernels } = context;
  const x = context.input(0);
  const [values, indices] = [context.optionalOutput(0), context.optionalOutput(1)];
  const scratch = context.scratch(4 * kept);
  return () =>
    // biome-ignore format: one argument per line hides the groups
    kernels.f32_top_k(
      x.ptr, values?.ptr ?? 0, indices?.ptr ?? 0, scratch.ptr, outer, axis, inner, kept, largest,
    );
}
