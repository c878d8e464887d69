import type { KnownOp, Op, OpOf } from '../../graph.ts';
import { type Rewriter, type Rule, rule } from './rewriter.ts';

/** What stands between a matrix product and the operators that read its queries, keys and values. */
interface Permuted {
  /** [outer…, 3, heads, depth]: the dimension of length 3 is inside. */
  readonly reshape: OpOf<'top.Reshape'>;
  /** Dimensions of `reshape` as they stand when it is sliced, along the first of them. */
  readonly order: readonly number[];
  readonly parts: readonly { readonly slice: OpOf<'top.Slice'>; readonly squeeze: OpOf<'top.Squeeze'> }[];
  /** A Reshape before the Slices that makes one dimension of two, the first of them at `joined`. */
  readonly joined: number | undefined;
  /** Permutes and Reshape that go. */
  readonly between: readonly Op[];
}

/**
 * MatMul → Reshape → Permute (→ Permute) (→ Reshape) → Slices of one along the first dimension, each with a Squeeze: the Slices read
 * the first Reshape, and whoever reads a Squeeze has a Permute (and a Reshape) of its own before it. Names are those of
 * TPU-MLIR 1.30; 1.17 has `_new`, `_permute_for_` and `_reshape3` (tpu-mlir: Top/Canonicalize/MatMul.cpp).
 */
const permuteAfterSlices = rule('top.MatMul', (product, rw) => {
  const found = permutedOf(product, rw);
  if (found === undefined) return false;
  for (const part of found.parts.toReversed()) moveSlice(part, found, rw);
  for (const op of found.between) rw.replace(op);
  return true;
});

function onlyReader<T extends KnownOp['type']>(value: string, type: T, rw: Rewriter): OpOf<T> | undefined {
  const [reader] = rw.users(value);
  return reader?.type === type && rw.hasOneUse(value) ? (reader as unknown as OpOf<T>) : undefined;
}

function permutedOf(product: OpOf<'top.MatMul'>, rw: Rewriter): Permuted | undefined {
  const reshape = onlyReader(product.name, 'top.Reshape', rw);
  if (reshape === undefined || !isTakenApart(rw.shape(product.name), rw.shape(reshape.name))) return undefined;
  const first = onlyReader(reshape.name, 'top.Permute', rw);
  if (first === undefined) return undefined;
  const second = onlyReader(first.name, 'top.Permute', rw);
  const last = second ?? first;
  const order = second?.attributes.order.map((axis) => first.attributes.order[axis]!) ?? first.attributes.order;
  const join = onlyReader(last.name, 'top.Reshape', rw);
  const joined = join === undefined ? undefined : joinedDimension(rw.shape(last.name), rw.shape(join.name));
  if (join !== undefined && joined === undefined) return undefined;
  const sliced = join ?? last;
  const parts = partsOf(sliced.name, rw);
  const count = rw.shape(sliced.name)[0];
  // TPU-MLIR looks the length up behind the first Permute even where there are two.
  const moves = order[0] !== 0 && rw.shape(reshape.name)[first.attributes.order[0]!] === count;
  if (!moves || parts === undefined || parts.length !== count) return undefined;
  return { reshape, order, parts, joined, between: [first, ...(second ? [second] : []), ...(join ? [join] : [])] };
}

/** [a, b, 3·h·d] as [a, b, 3, h, d], or [a, b, c, 3·h·d] as [a, b·c, 3, h, d]. */
function isTakenApart(from: readonly number[], to: readonly number[]): boolean {
  const outer = from.slice(0, -1);
  if (to.length === from.length + 2) return outer.every((dim, axis) => dim === to[axis]);
  return to.length === from.length + 1 && from.length > 2 && from[0] === to[0] && from[1]! * from[2]! === to[1];
}

/** The dimension that becomes one with the next, behind the first; undefined where something else happens. */
function joinedDimension(from: readonly number[], to: readonly number[]): number | undefined {
  if (from.length !== to.length + 1) return undefined;
  const at = to.findIndex((dim, axis) => dim !== from[axis]);
  const merged = [...from.slice(0, at), from[at]! * from[at + 1]!, ...from.slice(at + 2)];
  return at > 0 && merged.every((dim, axis) => dim === to[axis]) ? at : undefined;
}

function partsOf(value: string, rw: Rewriter): Permuted['parts'] | undefined {
  if (rw.isOutput(value)) return undefined;
  const parts = rw.users(value).map((op) => {
    if (op.type !== 'top.Slice' || op.inputs.slice(1).some((input) => input != null)) return undefined;
    const slice = op as unknown as OpOf<'top.Slice'>;
    const [from, to] = [rw.shape(value), rw.shape(slice.name)];
    const { axes, offset, steps } = slice.attributes;
    const isOne = to.every((dim, axis) => dim === (axis === 0 ? 1 : from[axis])) && steps.every((step) => step === 1);
    const squeeze = onlyReader(slice.name, 'top.Squeeze', rw);
    if (!isOne || axes.length > 0 || offset.length !== from.length || squeeze === undefined) return undefined;
    return squeeze.attributes.axes.join() === '0' && !rw.isOutput(squeeze.name) ? { slice, squeeze } : undefined;
  });
  return parts.every((part) => part !== undefined) ? parts : undefined;
}

function moveSlice({ slice, squeeze }: Permuted['parts'][number], { reshape, order, joined }: Permuted, rw: Rewriter) {
  const shape = rw.shape(reshape.name);
  const moved = <V>(values: readonly V[], besideJoined: V): V[] => {
    const apart = joined === undefined ? values : values.toSpliced(joined + 1, 0, besideJoined);
    return shape.map((_, axis) => apart[order.indexOf(axis)]!);
  };
  const { offset, steps, ends } = slice.attributes;
  const [axis] = order as [number];
  const ofReshape = rw.make('top.Slice', {
    name: `${slice.name}_r_new`,
    inputs: [reshape.name, null, null, null],
    attributes: {
      offset: moved(offset, 0),
      steps: moved(steps, 1),
      ends: moved<number | bigint>(joinedEnds(ends, order, shape, joined), shape[order[(joined ?? 0) + 1]!]!),
      axes: [],
      hasparamConvertAxes: [axis],
    },
  });
  rw.replace(slice, ofReshape);
  const readers = new Set(rw.users(squeeze.name));
  const target = [...rw.shape(squeeze.name)];
  const name = `${squeeze.name}_r_new`;
  rw.replace(squeeze, rw.make('top.Squeeze', { name, inputs: [ofReshape.name], attributes: { axes: [axis] } }));
  const permutation = order.slice(1).map((dim) => (dim < axis ? dim : dim - 1));
  for (const reader of readers) {
    const permute = `${name}_r_permute_for_${reader.outputs[0]}`;
    const made = [rw.make('top.Permute', { name: permute, inputs: [name], attributes: { order: permutation } })];
    if (joined !== undefined) {
      const draft = { name: `${permute}_r_reshape3`, inputs: [permute, null], attributes: { shape: target } };
      made.push(rw.make('top.Reshape', draft));
    }
    const inputs = reader.inputs.map((input) => (input === squeeze.name ? made.at(-1)!.name : input));
    rw.replace(reader, ...made, { ...reader, inputs } as Op);
  }
}

/** Ends of the joined dimension are those of the first that is in it. */
function joinedEnds(
  ends: readonly (number | bigint)[],
  order: readonly number[],
  shape: readonly number[],
  joined: number | undefined,
): readonly (number | bigint)[] {
  return joined === undefined ? ends : ends.with(joined, shape[order[joined]!]!);
}

export const permutedSliceRules: readonly Rule[] = [permuteAfterSlices];
