import { elementCount } from '../dtype.ts';
import { QError } from '../errors.ts';
import type { TensorType } from '../tensor-type.ts';
import type { ShapeContext, ShapeResult } from './row.ts';

/** A float tensor type; Top graphs hold everything as f32 (ir.md 4). Rank 0 becomes `[1]`. */
export function f32(shape: readonly number[]): TensorType {
  return { shape: shape.length === 0 ? [1] : shape, dtype: 'f32' };
}

/** Shape rule of operators whose one result is shaped like their first operand. */
export function likeInput<A>({ inputs }: ShapeContext<A>): ShapeResult<A> {
  return { outputs: [f32(inputs[0]!.shape)] };
}

/** `axis` counted from the front; throws `graph.axis` when it is outside `[-rank, rank)`. */
export function frontAxis(axis: number, rank: number): number {
  if (axis < -rank || axis >= rank) {
    throw new QError(`The axis ${axis} does not exist in a tensor of rank ${rank}.`, {
      code: 'graph.axis',
      found: String(axis),
      expected: `-${rank}..${rank - 1}`,
    });
  }
  return axis < 0 ? axis + rank : axis;
}

/** NumPy's broadcasting of several shapes; throws `graph.shape-mismatch`. */
export function broadcastShapes(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const dims = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const wide = dims.filter((dim) => dim !== 1);
    const dim = wide[0] ?? 1;
    if (wide.some((other) => other !== dim)) shapeMismatch(shapes, 'shapes that broadcast together');
    return dim;
  });
}

export function shapeMismatch(shapes: readonly (readonly number[])[], expected: string): never {
  const found = shapes.map((shape) => `[${shape.join(',')}]`).join(' and ');
  throw new QError(`The shapes ${found} do not fit together: expected ${expected}.`, {
    code: 'graph.shape-mismatch',
    found,
    expected,
  });
}

/** Resolves the 0 (copy) and −1 (infer) entries of a reshape target against the input shape. */
export function resolveReshape(input: readonly number[], target: readonly number[]): number[] {
  const copied = target.map((dim, axis) => (dim === 0 ? (input[axis] ?? 0) : dim));
  const known = elementCount(copied.filter((dim) => dim !== -1));
  const total = elementCount(input);
  const shape = copied.map((dim) => (dim === -1 ? (known === 0 ? 0 : total / known) : dim));
  if (elementCount(shape) !== total || shape.some((dim) => !Number.isInteger(dim))) {
    shapeMismatch([input, target], 'a reshape target with as many elements as the input');
  }
  return shape;
}
