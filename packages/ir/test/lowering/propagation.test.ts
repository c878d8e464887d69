import { describe, expect, it } from 'vitest';
import { importRanges } from '../../src/lowering/calibrated-ranges.ts';
import { type ProcessorFamily, propagateRanges } from '../../src/lowering/propagation.ts';
import { WorkingGraph } from '../../src/lowering/working-graph.ts';
import { type OpShort, tablePlan, topGraph } from './top-graph.ts';

type Rows = Readonly<Record<string, readonly [number, number]>>;

function propagated(
  ops: readonly OpShort[],
  rows: Rows,
  options: { outputs?: readonly string[]; weights?: Record<string, readonly number[]>; family?: ProcessorFamily } = {},
) {
  const graph = topGraph(ops, options.weights ?? {}, options.outputs);
  const plan = tablePlan(rows);
  const ranges = importRanges(graph, plan);
  const working = new WorkingGraph(graph);
  const settled = propagateRanges(working, ranges, plan, options.family ?? 'bm1684x');
  const range = (name: string) => {
    const found = ranges.get(name);
    return found && [found.min, found.max];
  };
  return { range, settled, working };
}

describe('range propagation (numerics.md 4.4)', () => {
  it('goes forward through views and operators that cannot rescale', () => {
    const { range } = propagated(
      [
        ['top.Reshape', 'a', ['in']],
        ['top.Tanh', 'b', ['a']],
        ['top.Upsample', 'c', ['b']],
        ['top.MulConst', 'd', ['c'], { constVal: -2 }],
      ],
      { in: [3, -3], a: [9, 0], b: [1, -1], c: [7, -7], d: [8, -8] },
    );
    expect([range('a'), range('c'), range('d')]).toEqual([
      [-3, 3],
      [-1, 1],
      [-2, 2],
    ]);
  });

  it('keeps the sign of pools', () => {
    const { range } = propagated([['top.AvgPool', 'y', ['in']]], { in: [3, -3], y: [2, 0] });
    expect(range('y')).toEqual([Math.fround(-0.2), 2]);
    expect(propagated([['top.AvgPool', 'y', ['in']]], { in: [3, 0], y: [2, -2] }).range('y')).toEqual([0, 2]);
  });

  it('knows that sums of non-negative values are not negative', () => {
    const rows: Rows = { in: [1, 0], in2: [2, 0], y: [3, -1] };
    expect(propagated([['top.Add', 'y', ['in', 'in2'], {}]], rows).range('y')).toEqual([0, 3]);
    expect(propagated([['top.Add', 'y', ['in', 'in2'], { coeff: [1, -1] }]], rows).range('y')).toEqual([-3, 3]);
  });

  it('makes differences signed', () => {
    const { range } = propagated([['top.SubConst', 'y', ['in'], { constVal: 1 }]], { in: [2, 0], y: [3, 0] });
    expect(range('y')![0]).toBeCloseTo(-0.3, 12);
  });

  it('puts the operand of a Mul first that has the sign of the result', () => {
    const { working, range } = propagated([['top.Mul', 'y', ['in', 'in2']]], { in: [1, 0], in2: [2, -2], y: [3, -3] });
    expect(working.ops.at(-1)!.inputs).toEqual(['in2', 'in']);
    expect(range('y')).toEqual([-3, 3]);
    expect(propagated([['top.Mul', 'y', ['in', 'in2']]], { in: [1, -1], in2: [2, -2], y: [3, 0] }).range('y')).toEqual([
      Math.fround(-0.3),
      3,
    ]);
    const impossible = () => propagated([['top.Mul', 'y', ['in', 'in2']]], { in: [1, 0], in2: [2, 0], y: [3, -3] });
    expect(impossible).toThrowError(/signed/);
  });

  it('gives all operands of a Concat its range, unless somebody else reads one or signs differ', () => {
    const concat: OpShort = ['top.Concat', 'y', ['a', 'b'], { axis: 1 }];
    const ops: OpShort[] = [['top.Tanh', 'a', ['in']], ['top.Tanh', 'b', ['in']], concat];
    const rows: Rows = { in: [1, -1], a: [1, -1], b: [2, -2], y: [2, -2] };
    expect(propagated(ops, rows).range('a')).toEqual([-2, 2]);
    const shared = propagated([...ops, ['top.Exp', 'z', ['a']]], { ...rows, z: [1, 0] }, { outputs: ['y', 'z'] });
    expect(shared.range('a')).toEqual([-1, 1]);
    expect(propagated(ops, { ...rows, b: [2, 0] }).range('a')).toEqual([-1, 1]);
    const pooled = propagated([...ops, ['top.MaxPool', 'p', ['a']]], { ...rows, p: [1, -1] }, { outputs: ['y', 'p'] });
    expect(pooled.range('a')).toEqual([-2, 2]);
    const alike = propagated(ops, { ...rows, b: [1, -1], y: [4, -4] });
    expect(alike.range('y')).toEqual([-1, 1]);
  });

  it('hands the range of a Concat of Concats down to the first of them, as yolox shows with TPU-MLIR 1.17', () => {
    const ops: OpShort[] = [
      ['top.Tanh', 'a', ['in']],
      ['top.Tanh', 'b', ['in']],
      ['top.Concat', 'ab', ['a', 'b'], { axis: 1 }],
      ['top.Reshape', 'r', ['ab']],
      ['top.Tanh', 'c', ['in']],
      ['top.Concat', 'y', ['r', 'c'], { axis: 1 }],
    ];
    const rows: Rows = { in: [1, -1], a: [1, -1], b: [2, -2], ab: [3, -3], r: [3, -3], c: [4, -4], y: [5, -5] };
    const { range } = propagated(ops, rows);
    for (const value of ['a', 'b', 'ab', 'r', 'c', 'y']) expect(range(value), value).toEqual([-5, 5]);
  });

  it('goes backward through operators with one reader, keeping the minimum of a leaky Relu', () => {
    const ops: OpShort[] = [
      ['top.Tanh', 'a', ['in']],
      ['top.Reshape', 'r', ['a']],
      ['top.LeakyRelu', 'y', ['r'], { alpha: 0.1 }],
    ];
    const rows: Rows = { in: [1, -1], a: [5, -5], r: [5, -5], y: [2, -0.5] };
    const { range } = propagated(ops, rows);
    expect([range('a'), range('r'), range('y')]).toEqual([
      [-5, 2],
      [-5, 2],
      [-5, 2],
    ]);
    expect(propagated(ops, rows, { family: 'cv18xx' }).range('r')).toEqual([-2, 2]);
  });

  it('lets two products take the range of their sum', () => {
    const { range } = propagated(
      [
        ['top.Mul', 'a', ['in', 'in2']],
        ['top.Mul', 'b', ['in', 'in2']],
        ['top.Add', 'y', ['a', 'b'], {}],
      ],
      { in: [1, -1], in2: [1, -1], a: [1, -1], b: [2, -2], y: [3, -3] },
    );
    expect([range('a'), range('b')]).toEqual([
      [-3, 3],
      [-3, 3],
    ]);
  });

  it('widens the result of Where to its constant', () => {
    const where = { xIsConst: true, yIsConst: false, xConstVal: -10, yConstVal: 0 };
    const { range } = propagated([['top.Where', 'y', ['in', null, 'in2'], where]], {
      in: [1, 0],
      in2: [2, -2],
      y: [3, -3],
    });
    expect(range('y')).toEqual([-1, 10]);
    const fitting = propagated([['top.Where', 'y', ['in', null, 'in2'], { ...where, xConstVal: 1 }]], {
      in: [1, 0],
      in2: [2, -2],
      y: [3, -3],
    });
    expect(fitting.range('in2')).toEqual([-3, 3]);
  });

  it('stops on contradictions as upstream does', () => {
    // Two selections want one operand in two ranges.
    const where = { xIsConst: true, yIsConst: false, xConstVal: 0, yConstVal: 0 };
    const { settled, range } = propagated(
      [
        ['top.Where', 'a', ['in', null, 'in2'], where],
        ['top.Where', 'b', ['in', null, 'in2'], where],
      ],
      { in: [1, 0], in2: [2, -2], a: [3, -3], b: [4, -4] },
      { outputs: ['a', 'b'] },
    );
    expect(settled).toBe(false);
    // The first one is looked at last.
    expect(range('in2')).toEqual([-3, 3]);
  });
});
