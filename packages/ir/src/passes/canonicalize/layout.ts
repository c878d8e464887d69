import { elementCount } from '../../dtype.ts';
import type { OpOf } from '../../graph.ts';
import { type Rewriter, type Rule, rule } from './rewriter.ts';

const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((dim, axis) => dim === b[axis]);

/** Removes an operator that passes its first operand on. */
function drop(op: { readonly name: string; readonly inputs: readonly (string | null)[] }, rw: Rewriter): boolean {
  rw.bypass(rw.anyProducer(op.name)!, op.inputs[0]!);
  return true;
}

const reshapeToSame = rule(
  'top.Reshape',
  (op, rw) => sameShape(rw.shape(op.inputs[0]!), rw.shape(op.name)) && drop(op, rw),
);

/** Reshape → Reshape: the second alone, when only it reads the first. */
const mergeReshapes = rule('top.Reshape', (op, rw) => {
  const first = rw.producer(op.inputs[0], 'top.Reshape');
  if (first === undefined || !rw.hasOneUse(first.name) || first.inputs[1] != null || op.inputs[1] != null) return false;
  const shape = [...rw.shape(op.name)];
  rw.replace(op, rw.change(op, { inputs: [first.inputs[0]!, null], attributes: { shape, flattenStartDim: -1 } }));
  rw.replace(first);
  return true;
});

const isIdentity = (order: readonly number[]) => order.every((axis, index) => axis === index);

/** One that keeps two dimensions stays: TPU-MLIR 1.17 and 1.30 write it. */
const identityPermute = rule(
  'top.Permute',
  (op, rw) => op.attributes.order.length !== 2 && isIdentity(op.attributes.order) && drop(op, rw),
);

/** A Permute without dimensions of length 1, and with those as one that stay neighbours. */
function essence(shape: readonly number[], order: readonly number[]): { shape: number[]; order: number[] } {
  const runs: { first: number; next: number; length: number }[] = [];
  const isRelevant = (axis: number) => shape[axis] !== 1;
  const after = (axis: number) => shape.findIndex((_, at) => at > axis && isRelevant(at));
  for (const axis of order.filter(isRelevant)) {
    const run = runs.at(-1);
    if (run?.next === axis) Object.assign(run, { next: after(axis), length: run.length * shape[axis]! });
    else runs.push({ first: axis, next: after(axis), length: shape[axis]! });
  }
  const sources = runs.toSorted((a, b) => a.first - b.first);
  return { shape: sources.map(({ length }) => length), order: runs.map((run) => sources.indexOf(run)) };
}

/** Permute (→ Reshape) → Permute that undo each other: nothing, or a Reshape named after what the first one reads. */
const oppositePermutes = rule('top.Permute', (op, rw) => {
  const [before] = op.inputs as [string];
  const between = rw.producer(before, 'top.Reshape');
  const first = rw.producer(between?.inputs[0] ?? before, 'top.Permute');
  if (first === undefined || !rw.hasOneUse(before) || !rw.hasOneUse(first.name)) return false;
  const [source] = first.inputs as [string];
  const there = essence(rw.shape(source), first.attributes.order);
  const back = essence(rw.shape(before), op.attributes.order);
  const passed = there.order.map((axis) => there.shape[axis]!);
  if (!sameShape(passed, back.shape) || !isIdentity(back.order.map((axis) => there.order[axis]!))) return false;
  const shape = [...rw.shape(op.name)];
  if (sameShape(shape, rw.shape(source))) rw.bypass(op, source);
  else {
    const name = `${source}_r_Reshape`;
    rw.replace(op, rw.make('top.Reshape', { name, inputs: [source, null], attributes: { shape } }));
    rw.redirect(op.name, name);
  }
  if (between !== undefined) rw.replace(between);
  rw.replace(first);
  return true;
});

/**
 * A Permute of five dimensions that no four describe is two: `<name>_r_expand0` brings the dimension that shall be first, and the
 * one behind it, to the front.
 */
const splitPermute = rule('top.Permute', (op, rw) => {
  const [source] = op.inputs as [string];
  const { order } = op.attributes;
  if (order.length !== 5 || essence(rw.shape(source), order).order.length < 5) return false;
  const begin = order[0] === 4 ? 3 : order[0]!;
  const first = [begin, begin + 1, ...order.slice(1).filter((axis) => axis !== begin && axis !== begin + 1)];
  const name = `${op.name}_r_expand0`;
  const second = order.map((axis) => first.indexOf(axis));
  const expand = rw.make('top.Permute', { name, inputs: [source], attributes: { order: first } });
  rw.replace(op, expand, rw.change(op, { inputs: [name], attributes: { order: second } }));
  return true;
});

/** Orders of six dimensions that move blocks of pixels into channels or back; CRD: the block behind the channel. */
const BLOCK_ORDERS: Readonly<Record<string, { readonly isCRD: boolean; readonly isInversed: boolean }>> = {
  '0,1,4,2,5,3': { isCRD: true, isInversed: false },
  '0,3,4,1,5,2': { isCRD: false, isInversed: false },
  '0,1,3,5,2,4': { isCRD: true, isInversed: true },
  '0,3,5,1,2,4': { isCRD: false, isInversed: true },
};

/** Reshape → Permute → Reshape on six dimensions: pixel shuffle and its inverse, named after the last Reshape. */
const pixelShuffle = rule('top.Permute', (op, rw) => {
  const before = rw.producer(op.inputs[0], 'top.Reshape');
  const kind = BLOCK_ORDERS[op.attributes.order.join()];
  const [after, ...others] = rw.users(op.name);
  if (before === undefined || kind === undefined || after?.type !== 'top.Reshape') return false;
  if (others.length > 0 || rw.isOutput(op.name) || !rw.hasOneUse(before.name)) return false;
  const shape = rw.shape(op.inputs[0]!) as [number, number, number, number, number, number];
  const { blocks, pixels, block } = blockShapes(shape, kind);
  const [from, to] = kind.isInversed ? [pixels, blocks] : [blocks, pixels];
  if (!sameShape(rw.shape(before.inputs[0]!), from) || !sameShape(rw.shape(after.name), to)) return false;
  const attributes = { blockH: block[0], blockW: block[1], ...kind };
  rw.replace(after, rw.make('top.Depth2Space', { name: after.name, inputs: [before.inputs[0]!], attributes }));
  rw.replace(op);
  rw.replace(before);
  return true;
});

/** Shapes with blocks in the channels and as pixels, and the block, of a six-dimensional view of either. */
function blockShapes(
  [n, a, b, c, d, e]: readonly [number, number, number, number, number, number],
  { isCRD, isInversed }: { readonly isCRD: boolean; readonly isInversed: boolean },
): { blocks: number[]; pixels: number[]; block: readonly [number, number] } {
  if (isInversed) return { blocks: [n, a * c * e, b, d], pixels: [n, a, b * c, d * e], block: [c, e] };
  const [channels, blockH, blockW] = isCRD ? [a, b, c] : [c, a, b];
  return { blocks: [n, a * b * c, d, e], pixels: [n, channels, blockH * d, blockW * e], block: [blockH, blockW] };
}

const singleConcat = rule('top.Concat', (op, rw) => op.inputs.length === 1 && !op.attributes.doRelu && drop(op, rw));

const emptyConcatInput = rule('top.Concat', (op, rw) => {
  const kept = op.inputs.filter((input) => elementCount(rw.shape(input)) > 0);
  if (kept.length === op.inputs.length || kept.length === 0) return false;
  rw.replace(op, rw.change(op, { inputs: kept }));
  return true;
});

/** Squeeze undone by Unsqueeze: both go. A no-op Unsqueeze or Squeeze goes, too. */
const squeezeThenUnsqueeze = rule('top.Unsqueeze', (op, rw) => {
  const before = rw.anyProducer(op.inputs[0]);
  if (before?.type !== 'top.Squeeze' && before?.type !== 'top.Reshape') return false;
  const [source] = before.inputs as [string];
  if (!rw.hasOneUse(before.name) || before.inputs[1] != null || !sameShape(rw.shape(source), rw.shape(op.name)))
    return false;
  takeName(op, source, rw);
  rw.replace(rw.anyProducer(before.name) ?? before);
  return true;
});

/** Removes `op`; the producer of `source` takes its name, unless that is a network input (ir.md 7.3, layout). */
function takeName(op: OpOf<'top.Unsqueeze'>, source: string, rw: Rewriter): void {
  const producer = rw.anyProducer(source);
  if (producer === undefined || producer.type === 'unknown' || producer.type === 'top.Input' || rw.isOutput(source)) {
    rw.bypass(op as never, source);
    return;
  }
  if (producer.name !== source) return void rw.bypass(op as never, source);
  rw.replace(op as never);
  rw.rename(producer, op.name);
}

const squeezeToSame = rule(
  'top.Squeeze',
  (op, rw) => sameShape(rw.shape(op.inputs[0]!), rw.shape(op.name)) && drop(op, rw),
);

/** Interp nearest with integer scales → Upsample; a scale of 1 goes. The folded target leaves the operands. */
const interpToUpsample = rule('top.Interp', (op, rw) => {
  const { mode, scaleH, scaleW } = op.attributes;
  const [input, target] = op.inputs as [string, string | null | undefined];
  // With sizes of ours it is a resize that Top's rules do not describe.
  if (op.attributes.sizes !== undefined) return false;
  const sameSize = sameShape(rw.shape(input), rw.shape(op.name));
  if (sameSize) return drop(op, rw);
  if (mode === 'nearest' && Number.isInteger(scaleH) && scaleH === scaleW && rw.shape(input).length === 4) {
    const attributes = { scaleH, scaleW };
    rw.replace(op, rw.make('top.Upsample', { name: op.name, inputs: [input], attributes }));
    return true;
  }
  if (target == null) return false;
  rw.replace(op, rw.change(op, { inputs: [input, null] }));
  return true;
});

/** Tile or Expand before an operator that broadcasts anyway goes; an Expand elsewhere is a Tile. */
function broadcastAnyway(op: OpOf<'top.Tile'> | OpOf<'top.Expand'>, rw: Rewriter): boolean {
  const [source] = op.inputs as [string];
  const users = rw.users(op.name);
  const [reader] = users;
  const binary =
    reader !== undefined && ['top.Add', 'top.Sub', 'top.Mul', 'top.Div', 'top.Min', 'top.Max'].includes(reader.type);
  if (!binary || users.length !== 1 || rw.isOutput(op.name)) return false;
  const spread = rw.shape(source);
  const full = rw.shape(op.name);
  const stretched = full.every((dim, axis) => {
    const own = spread[axis - full.length + spread.length] ?? 1;
    return own === dim || own === 1;
  });
  // The other operands must have the full shape by themselves.
  const others = reader.inputs.filter((input) => input !== op.name && input !== null);
  const carried = others.some((input) => sameShape(rw.shape(input), rw.shape(reader.name)));
  return stretched && carried && drop(op, rw);
}

const expandToTile = rule('top.Expand', (op, rw) => {
  const [source] = op.inputs as [string];
  const [from, to] = [rw.shape(source), rw.shape(op.name)];
  if (sameShape(from, to)) return drop(op, rw);
  const wide = [...to.slice(from.length).map(() => 1), ...from];
  const tile = to.map((dim, axis) => dim / wide[axis]!);
  if (from.length === to.length) {
    rw.replace(op, rw.make('top.Tile', { name: op.name, inputs: [source, null], attributes: { tile } }));
    return true;
  }
  const reshape = rw.make('top.Reshape', {
    name: `${op.name}_r_reshape`,
    inputs: [source, null],
    attributes: { shape: wide },
  });
  rw.replace(op, reshape, rw.make('top.Tile', { name: op.name, inputs: [reshape.name, null], attributes: { tile } }));
  return true;
});

export const layoutRules: readonly Rule[] = [
  reshapeToSame,
  mergeReshapes,
  identityPermute,
  pixelShuffle,
  oppositePermutes,
  splitPermute,
  emptyConcatInput,
  singleConcat,
  squeezeToSame,
  squeezeThenUnsqueeze,
  interpToUpsample,
  rule('top.Tile', broadcastAnyway),
  rule('top.Expand', broadcastAnyway),
  expandToTile,
];
