import type { Graph, Op, OpOf } from '@q/ir';
import { Rewriting } from '../prepare/rewriting.ts';

const BRANCHES = ['q', 'k', 'v'] as const;

/**
 * One product that makes queries, keys and values becomes three (spacemit.md 6.2), each with filters and range of its own:
 * MatMul, Add and Reshape to [..., 3] before three picks of the last dimension, or to [b, n, 3, h, d] with Transpose
 * [2, 0, 3, 1, 4] before three picks of the first. A pick is a Gather, or an output of a Split without its dimension.
 */
export function separateQkv(graph: Graph): Graph {
  const rewriting = new Rewriting(graph);
  const changed = rewriting.sweep((op) => separate(op, rewriting));
  return changed ? rewriting.finish() : graph;
}

function separate(product: Op, graph: Rewriting): boolean {
  if (product.type !== 'top.MatMul' || !isPlainProduct(product, graph)) return false;
  const sum = graph.soleReader(product.name);
  const bias = sum?.inputs.find((name) => graph.data(name) !== undefined);
  const [, columns] = graph.shape(product.inputs[1]!) as [number, number];
  const isSum = sum?.type === 'top.Add' && !sum.attributes.doRelu && sum.attributes.coeff === undefined;
  const hasBias = bias != null && graph.shape(bias).length === 1 && graph.shape(bias)[0] === columns;
  const folded = isSum && hasBias ? graph.soleReader(sum.name) : undefined;
  if (folded?.type !== 'top.Reshape' || folded.inputs[1] != null || columns % 3 !== 0) return false;
  const layout = layoutAt(folded, columns, graph);
  if (layout === undefined) return false;
  const parts = { product, bias: bias!, sum: sum!, folded };
  graph.replace(product, ...BRANCHES.flatMap((_, index) => branch(parts, layout, index, graph)));
  for (const { op } of layout.picks) if (graph.ops.includes(op)) graph.replace(op);
  return true;
}

function isPlainProduct({ inputs, attributes }: OpOf<'top.MatMul'>, graph: Rewriting): boolean {
  const { rightTranspose, leftTranspose, outputTranspose, hdimIsBatch, doRelu } = attributes;
  const isPlain = !rightTranspose && !leftTranspose && !outputTranspose && !hdimIsBatch && !doRelu;
  return isPlain && inputs[2] == null && graph.data(inputs[1]) !== undefined && graph.shape(inputs[1]!).length === 2;
}

interface Pick {
  /** What the branch is called downstream. */
  readonly value: string;
  readonly op: Op;
}

interface Layout {
  /** The file's columns are q, k, v, q, k, v …; else all q, then all k, then all v. */
  readonly isInterleaved: boolean;
  readonly picks: readonly Pick[];
}

function layoutAt(folded: Op, columns: number, graph: Rewriting): Layout | undefined {
  const shape = graph.shape(folded.name);
  if (shape.at(-1) === 3) {
    const picks = picksOf(folded.name, shape.length - 1, graph);
    if (picks !== undefined) return { isInterleaved: true, picks };
  }
  const turn = graph.soleReader(folded.name);
  if (turn?.type !== 'top.Permute' || turn.attributes.order.join() !== '2,0,3,1,4') return undefined;
  const picks = shape[2] === 3 && shape[3]! * shape[4]! * 3 === columns ? picksOf(turn.name, 0, graph) : undefined;
  return picks && { isInterleaved: false, picks };
}

/** What reads element 0, 1 and 2 of a dimension, if nothing reads anything else. */
function picksOf(value: string, axis: number, graph: Rewriting): Pick[] | undefined {
  const readers = graph.isOutput(value) ? [] : graph.readers(value);
  const [split] = readers;
  if (readers.length === 1 && split?.type === 'top.Split' && split.attributes.axis === axis) {
    const picks = split.outputs.map((output) => {
      const op = output === null ? undefined : graph.soleReader(output);
      return op?.type === 'top.Squeeze' && op.attributes.axes.join() === String(axis) ? [{ value: op.name, op }] : [];
    });
    return picks.length === 3 && picks.every(({ length }) => length === 1) ? picks.flat() : undefined;
  }
  if (readers.length !== 3) return undefined;
  const picks = BRANCHES.flatMap((_, index) => {
    const op = readers.find((reader) => reader.type === 'top.Gather' && indexOf(reader, axis, graph) === index);
    return op === undefined ? [] : [{ value: op.name, op }];
  });
  return picks.length === 3 ? picks : undefined;
}

/** The one element that a Gather takes, without its dimension. */
function indexOf(op: OpOf<'top.Gather'>, axis: number, graph: Rewriting): number | undefined {
  const data = graph.weights.get(op.inputs[1] ?? '')?.data;
  if (op.attributes.axis !== axis || op.attributes.keepdims || data?.length !== 1) return undefined;
  return Number(data[0]);
}

interface Parts {
  readonly product: OpOf<'top.MatMul'>;
  readonly bias: string;
  readonly sum: Op;
  readonly folded: Op;
}

function branch(parts: Parts, { isInterleaved, picks }: Layout, index: number, graph: Rewriting): Op[] {
  const { product, bias, sum, folded } = parts;
  const letter = BRANCHES[index]!;
  const [rows, all] = graph.shape(product.inputs[1]!) as [number, number];
  const columns = all / 3;
  const column = (c: number) => (isInterleaved ? 3 * c + index : index * columns + c);
  const taken = (data: Float32Array, height: number) =>
    Float32Array.from(
      { length: height * columns },
      (_, i) => data[Math.trunc(i / columns) * all + column(i % columns)]!,
    );
  const filter = taken(graph.data(product.inputs[1])!, rows);
  const inputs = [product.inputs[0]!, graph.addWeight(`${product.inputs[1]}_${letter}`, [rows, columns], filter), null];
  const offset = graph.addWeight(`${bias}_${letter}`, [columns], taken(graph.data(bias)!, 1));
  const { value } = picks[index]!;
  const shape = [...graph.shape(product.name).slice(0, -1), columns];
  const named = (base: string, dims: readonly number[]) => {
    const name = `${base}_${letter}`;
    graph.values.set(name, { shape: dims, dtype: 'f32' });
    return name;
  };
  const multiplied = graph.make('top.MatMul', named(product.name, shape), inputs, product.attributes);
  const add = (name: string) => graph.make('top.Add', name, [multiplied.name, offset]);
  const wanted = graph.shape(value);
  if (isInterleaved && wanted.join() === shape.join()) return [multiplied, add(value)];
  const added = add(named(sum.name, shape));
  if (isInterleaved)
    return [multiplied, added, graph.make('top.Reshape', value, [added.name, null], { shape: wanted })];
  const [b, n, , h, d] = graph.shape(folded.name) as [number, number, number, number, number];
  const heads = [b, n, h, d];
  const apart = graph.make('top.Reshape', named(folded.name, heads), [added.name, null], { shape: heads });
  return [multiplied, added, apart, graph.make('top.Permute', value, [apart.name], { order: [0, 2, 1, 3] })];
}
