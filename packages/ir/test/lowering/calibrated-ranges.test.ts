import { describe, expect, it } from 'vitest';
import { importRanges } from '../../src/lowering/calibrated-ranges.ts';
import { type OpShort, tablePlan, topGraph } from './top-graph.ts';

const rangeOf = (op: OpShort, row: readonly [number, number] | undefined, before: readonly OpShort[] = []) => {
  const graph = topGraph([...before, op]);
  const plan = tablePlan(row === undefined ? {} : { [op[1]]: row });
  return importRanges(graph, plan).get(op[1]);
};

describe('ranges of a calibration table (numerics.md 4.2)', () => {
  it.each<[string, OpShort, readonly [number, number], number, number]>([
    ['signed', ['top.Tanh', 'y', ['in']], [2, -1], -2, 2],
    ['unsigned', ['top.Tanh', 'y', ['in']], [2, 0], 0, 2],
    ['Abs', ['top.Abs', 'y', ['in']], [2, 0], -2, 2],
    ['Sigmoid, whatever the table says', ['top.Sigmoid', 'y', ['in'], { log: false }], [7, -7], 0, 1],
    ['log-sigmoid', ['top.Sigmoid', 'y', ['in'], { log: true }], [7, -7], -7, 7],
    ['Softmax', ['top.Softmax', 'y', ['in']], [0.2, 0.1], 0, 1],
    ['a square', ['top.Mul', 'y', ['in', 'in']], [3, -1], 0, 3],
    ['a product', ['top.Mul', 'y', ['in', 'in2']], [3, -1], -3, 3],
    ['a difference is always signed', ['top.Sub', 'y', ['in', 'in2']], [3, 0], -1e-5, 3],
    ['a fused Relu', ['top.Conv', 'y', ['in', 'in2', null], { doRelu: true }], [3, -1], 0, 3],
    ['a Relu fused into a Sub is not looked at', ['top.Sub', 'y', ['in', 'in2'], { doRelu: true }], [3, -1], -3, 3],
  ])('%s', (_label, op, row, min, max) => {
    expect(rangeOf(op, row)).toEqual({ min, max });
  });

  it('a product of Sigmoid and Relu results is unsigned', () => {
    const before: OpShort[] = [
      ['top.Sigmoid', 'a', ['in'], { log: false }],
      ['top.Relu', 'b', ['in'], { reluLimit: -1 }],
    ];
    expect(rangeOf(['top.Mul', 'y', ['a', 'b']], [3, -1], before)).toEqual({ min: 0, max: 3 });
  });

  it('a missing row leaves the value float, except where the table is not asked', () => {
    expect(rangeOf(['top.Tanh', 'y', ['in']], undefined)).toBeUndefined();
    expect(rangeOf(['top.Softmax', 'y', ['in']], undefined)).toEqual({ min: 0, max: 1 });
    expect(rangeOf(['top.Sub', 'y', ['in', 'in2']], undefined)).toEqual({ min: -1e-5, max: 0 });
  });

  it('a chip may make everything signed', () => {
    const graph = topGraph([['top.Relu', 'y', ['in'], { reluLimit: -1 }]]);
    const ranges = importRanges(graph, tablePlan({ in: [1, 0], y: [2, 0] }), ({ max }) => ({ min: -max, max }));
    expect([...ranges]).toEqual([
      ['in', { min: -1, max: 1 }],
      ['y', { min: -2, max: 2 }],
    ]);
  });
});
