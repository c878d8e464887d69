import type { Graph, OpOf, TensorType } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { floatForward } from '../src/index.ts';

const type: TensorType = { shape: [1, 4], dtype: 'f32' };

/** A graph of Convs that only its edges matter of: name → the layers that feed it (none: a network input). */
function graphOf(edges: Record<string, readonly string[]>): Graph {
  const ops = Object.entries(edges).map(([name, inputs]) => {
    const shared = { name, inputs, outputs: [name] };
    if (inputs.length === 0)
      return { ...shared, type: 'top.Input', attributes: { doPreprocess: false } } satisfies OpOf<'top.Input'>;
    return {
      ...shared,
      type: 'top.Conv',
      attributes: {
        kernelShape: [1, 1],
        strides: [1, 1],
        pads: [0, 0, 0, 0],
        group: 1,
        weightIsCoeff: 1,
        dynweightReordered: false,
        doRelu: false,
        reluLimit: -1,
      },
    } satisfies OpOf<'top.Conv'>;
  });
  return {
    name: 'g',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops,
    outputs: [ops.at(-1)!.name],
    values: new Map(ops.map((op) => [op.name, type])),
    weights: new Map(),
    tensorNames: new Map(),
    moduleAttributes: {},
  };
}

//  image ─ a ─ b ─┬─ c ─ e ─ f
//                 └─ d ──┘
const net = graphOf({ image: [], a: ['image'], b: ['a'], c: ['b'], d: ['b'], e: ['c', 'd'], f: ['e'] });

describe('floatForward', () => {
  it('takes the named layer and everything before it, without the network input', () => {
    expect(floatForward(net, { inputs: ['c'] }).layers).toEqual(['a', 'b', 'c']);
  });

  it('takes a network input that feeds the named layer directly', () => {
    expect(floatForward(net, { inputs: ['a'] }).layers).toEqual(['image', 'a']);
  });

  it('takes the named layers and everything after them', () => {
    expect(floatForward(net, { outputs: ['c'] }).layers).toEqual(['c', 'e', 'f']);
    expect(floatForward(net, { outputs: ['c', 'd'] }).layers).toEqual(['c', 'd', 'e', 'f']);
  });

  it('takes a layer and what follows it up to the next that computes', () => {
    const soft = {
      ...net,
      ops: net.ops.map((op) => (['c', 'd'].includes(op.name) ? { ...op, type: 'top.Relu' } : op)),
    };
    expect(floatForward(soft as Graph, { stretches: ['b'] }).layers).toEqual(['b', 'c', 'd']);
    expect(floatForward(soft as Graph, { stretches: ['c'] }).layers).toEqual(['c']);
    expect(floatForward(net, { stretches: ['nowhere'] }).unknown).toEqual(['nowhere']);
  });

  it('takes what lies between the starts and the ends of a block, both included', () => {
    expect(floatForward(net, { blocks: [{ starts: ['b'], ends: ['e'] }] }).layers).toEqual(['b', 'c', 'd', 'e']);
    expect(floatForward(net, { blocks: [{ starts: ['c', 'd'], ends: ['f'] }] }).layers).toEqual(['c', 'd', 'e', 'f']);
  });

  it('takes nothing for a block whose end comes before its start', () => {
    expect(floatForward(net, { blocks: [{ starts: ['f'], ends: ['a'] }] }).layers).toEqual([]);
  });

  it('unites the three requests in program order', () => {
    const request = { outputs: ['f'], inputs: ['a'], blocks: [{ starts: ['c'], ends: ['c'] }] };
    expect(floatForward(net, request).layers).toEqual(['image', 'a', 'c', 'f']);
  });

  it('reports names that are no layer', () => {
    expect(floatForward(net, { outputs: ['nope', 'f'] })).toEqual({ layers: ['f'], unknown: ['nope'] });
  });
});
