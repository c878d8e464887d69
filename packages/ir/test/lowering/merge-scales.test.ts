import { expect, it } from 'vitest';
import { mergeScales } from '../../src/lowering/merge-scales.ts';
import { floatsOf, WorkingGraph } from '../../src/lowering/working-graph.ts';
import { type OpShort, topGraph } from './top-graph.ts';

const CONV = { kernelShape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], group: 1 };
const weights = { w: [1, 2, 3, 4], s: [10, 0.5], b: [1, -1], c: [3, 4] };
const shapes = { w: [2, 2, 1, 1] };
const scale: OpShort = ['top.Scale', 'y', ['a', 's', 'b'], { doRelu: true, reluLimit: 6 }];

it('merges a Scale into the Conv before it, under the name of the Scale', () => {
  const graph = topGraph([['top.Conv', 'a', ['in', 'w', 'c'], CONV], scale], weights, undefined, shapes);
  const working = new WorkingGraph(graph);
  mergeScales(working);
  expect(working.ops.map(({ type, name }) => `${type} ${name}`)).toEqual(['top.Input in', 'top.Conv y']);
  const conv = working.ops[1]!;
  expect(conv.attributes).toMatchObject({ doRelu: true, reluLimit: 6, group: 1 });
  expect(conv.inputs.slice(1).map((name) => Array.from(floatsOf(working.weights.get(name!)!)))).toEqual([
    [10, 20, 1.5, 2],
    [31, 1],
  ]);
  // The graph that came in is as it was.
  expect(graph.ops).toHaveLength(3);
  expect(Array.from(graph.weights.get('w')!.data as Float32Array)).toEqual(weights.w);
});

it.each<[string, readonly OpShort[], readonly string[] | undefined]>([
  [
    'a Conv that somebody else reads',
    [['top.Conv', 'a', ['in', 'w', null], CONV], scale, ['top.Tanh', 'z', ['a']]],
    ['y', 'z'],
  ],
  ['a Conv with a Relu', [['top.Conv', 'a', ['in', 'w', null], { ...CONV, doRelu: true }], scale], undefined],
  ['another operator', [['top.Tanh', 'a', ['in']], scale], undefined],
])('after %s a Scale becomes a depthwise Conv', (_label, ops, outputs) => {
  const working = new WorkingGraph(topGraph(ops, weights, outputs, shapes));
  mergeScales(working);
  const conv = working.ops.find(({ name }) => name === 'y')!;
  expect(conv.type).toBe('top.Conv');
  expect(conv.attributes).toMatchObject({ group: 2, kernelShape: [1, 1], doRelu: true });
  expect(working.weights.get(conv.inputs[1]!)!.type.shape).toEqual([2, 1, 1, 1]);
});
