import type { Graph, Op } from '@q/ir';
import { Rewriting } from '../prepare/rewriting.ts';
import { type FusedGroup, isClosed } from './fused-group.ts';

const ORDER = [0, 1, 3, 2, 4, 5];

/**
 * Square windows of an image and their way back, as Swin transformers cut them (spacemit.md 6.2): Reshape to six dimensions,
 * Transpose [0, 1, 3, 2, 4, 5], Reshape.
 */
export function findWindows(graph: Graph): FusedGroup[] {
  const lookup = new Rewriting(graph);
  return graph.ops.flatMap((op) => windowsAt(op, lookup) ?? []);
}

function windowsAt(turn: Op, graph: Rewriting): FusedGroup | undefined {
  if (turn.type !== 'top.Permute' || !same(turn.attributes.order, ORDER)) return undefined;
  const [before, result] = [graph.producer(turn.inputs[0]), graph.soleReader(turn.name)];
  if (!before || !result || !isConstantReshape(before) || !isConstantReshape(result)) return undefined;
  const kind = kindOf(graph.shape(before.inputs[0]!), graph.shape(before.name), graph.shape(result.name));
  if (kind === undefined) return undefined;
  const group: FusedGroup = {
    opType: kind.opType,
    ops: new Set([before, turn, result]),
    result,
    namedAfter: before,
    operands: [
      { of: before.name, at: 0 },
      { of: before.name, at: 1 },
      { of: result.name, at: 1 },
    ],
    attributes: { window_size: kind.size, perm: ORDER },
  };
  return isClosed(group, graph) ? group : undefined;
}

const isConstantReshape = (op: Op) => op.type === 'top.Reshape' && op.inputs[1] == null;

function kindOf(from: readonly number[], six: readonly number[], to: readonly number[]) {
  const [b, h, height, w, width, c] = six as [number, number, number, number, number, number];
  const isPartition = height === width && same(from, [b, h * height, w * width, c]);
  if (isPartition && windows(b * h * w, height, c).some((layout) => same(layout, to)))
    return { opType: 'WindowPartition', size: height } as const;
  // Rows and columns of windows, then those inside a window.
  const [, rows, columns, side, otherSide] = six as [number, number, number, number, number, number];
  if (side !== otherSide) return undefined;
  const images = [
    [b, rows * columns * side * side, c],
    [b, rows * side, columns * side, c],
  ];
  const isReverse =
    windows(b * rows * columns, side, c).some((layout) => same(layout, from)) &&
    images.some((layout) => same(layout, to));
  return isReverse ? ({ opType: 'WindowReverse', size: side } as const) : undefined;
}

/** Ways to lay out `count` windows of `size` by `size` pixels. */
function windows(count: number, size: number, channels: number): number[][] {
  return [
    [count * size * size, channels],
    [count, size * size, channels],
    [count, size, size, channels],
  ];
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
