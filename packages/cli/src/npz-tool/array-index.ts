import { elementCount, QError, type Tensor } from '@q/ir';

/** `0,1`, `0,:,2:4`: what lies between numpy's brackets, without steps. */
export function indexed(tensor: Tensor, text: string): Tensor {
  const { shape, dtype, data } = tensor;
  const selections = text.split(',').map((part, axis) => selectionOf(part.trim(), shape[axis] ?? 0, text));
  if (selections.length > shape.length) throw badIndex(text, shape);
  const all = shape.map((dim, axis) => selections[axis] ?? { from: 0, to: dim, isRange: true });
  const target = all.map(({ from, to }) => Math.max(0, to - from));
  const data64 = Float64Array.from({ length: elementCount(target) }, (_, at) =>
    Number(data[sourceOf(at, all, target, shape)]!),
  );
  const kept = target.filter((_, axis) => all[axis]!.isRange);
  if (dtype === 'f32' || dtype === 'f64') return { shape: kept, dtype, data: data64 };
  return { shape: kept, dtype: 'i32', data: Int32Array.from(data64) };
}

/** Where element `at` of the selection lies in the array. */
function sourceOf(
  at: number,
  selections: readonly Selection[],
  target: readonly number[],
  shape: readonly number[],
): number {
  let rest = at;
  let source = 0;
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    source += (selections[axis]!.from + (rest % target[axis]!)) * stride;
    rest = Math.floor(rest / target[axis]!);
    stride *= shape[axis]!;
  }
  return source;
}

interface Selection {
  readonly from: number;
  readonly to: number;
  readonly isRange: boolean;
}

function selectionOf(part: string, dim: number, text: string): Selection {
  const match = /^(-?\d*)(:)?(-?\d*)$/.exec(part);
  if (match === null || part === '') throw badIndex(text, [dim]);
  const [, first, colon, last] = match;
  const place = (word: string, fallback: number): number => {
    if (word === '') return fallback;
    return Number(word) < 0 ? Number(word) + dim : Number(word);
  };
  if (colon === undefined) {
    const at = place(first!, 0);
    if (at < 0 || at >= dim) throw badIndex(text, [dim]);
    return { from: at, to: at + 1, isRange: false };
  }
  return { from: Math.max(0, place(first!, 0)), to: Math.min(dim, place(last!, dim)), isRange: true };
}

function badIndex(text: string, shape: readonly number[]): QError {
  return new QError(`[${text}] is no index of this array`, {
    code: 'cli.bad-flag-value',
    where: 'npz_tool dump',
    found: text,
    expected: `indices or ranges within ${shape.join('x')}, e.g. 0,1 or 0,:,2:4`,
  });
}
