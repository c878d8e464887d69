import { quantizeOnnxModel, type XquantResult } from '@q/backend-spacemit/xquant';
import type { KnownOp } from '@q/ir';
import { exportOnnx } from '@q/ir/onnx';
import { describe, expect, test } from 'vitest';
import { blocksOf } from '../../src/xquant/calibrate/blocks.ts';
import { readModel } from '../../src/xquant/prepare/read-model.ts';
import { inputChannels, outputChannels } from '../../src/xquant/tune/channels.ts';
import { equalizationPairs } from '../../src/xquant/tune/equalization-pairs.ts';
import { equalize } from '../../src/xquant/tune/equalize.ts';
import { GraphBuilder, noise, run } from '../graph-builder.ts';
import { branchesOnnx, configOf, noiseData, runOnnx } from './networks.ts';

/** Two convolutions whose channels differ a hundredfold, with an Add around the second. */
function uneven(): Uint8Array {
  const b = new GraphBuilder();
  const w = noise(8 * 3 * 9, 4).map((value, i) => value * (Math.floor(i / 27) % 2 === 0 ? 3 : 0.03));
  const conv = { kernelShape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] };
  const c = b.add(
    'top.Conv',
    'c',
    [b.input('x', [1, 3, 8, 8]), b.weight('w', [8, 3, 3, 3], w), b.weight('bias', [8])],
    conv,
  );
  const r = b.add('top.Relu', 'r', [c]);
  const d = b.conv('d', r, [8, 8, 3, 3]);
  const e = b.conv('e', b.add('top.Relu', 's', [d]), [8, 1, 3, 3], { group: 8 });
  b.conv('y', b.add('top.Add', 'a', [d, e]), [4, 8, 1, 1]);
  return exportOnnx(b.build(['y']), { opset: 17 });
}

const { graph } = readModel(uneven());
const names = (pairs: ReturnType<typeof equalizationPairs>) =>
  pairs.map(({ upstream, downstream }) =>
    [upstream, downstream]
      .map((ops) =>
        ops
          .map(({ name }) => name.replace('_Conv', ''))
          .sort()
          .join('+'),
      )
      .join(' > '),
  );

describe('equalization', () => {
  test('pairs end at convolutions; level 1 goes through additions', () => {
    expect(names(equalizationPairs(graph, 0))).toEqual(['c > d']);
    expect(names(equalizationPairs(graph, 1))).toEqual(['c > d', 'd+e > e+y']);
    // Nothing is moved across a cut.
    expect(equalizationPairs(graph, 1, new Set(graph.ops.slice(0, 3)))).toEqual([]);
  });

  test.each([0, 1] as const)('level %i changes the weights, not the function', async (level) => {
    const data = noiseData('x', 192, 3);
    const even = await equalize(graph, { data, seed: 0, level, limit: undefined, emit: () => {} });
    const sizes = (g: typeof graph) =>
      Array.from({ length: 8 }, (_, c) =>
        Math.max(...(g.weights.get('w')!.data as Float32Array).subarray(27 * c, 27 * c + 27).map(Math.abs)),
      );
    const spread = (values: number[]) => Math.max(...values) / Math.min(...values);
    expect(spread(sizes(even))).toBeLessThan(spread(sizes(graph)) / 3);
    const feeds = new Map([['x', noise(192, 8)]]);
    const [[before], [after]] = [[...(await run(graph, feeds)).values()], [...(await run(even, feeds)).values()]];
    before!.forEach((value, i) => {
      expect(Math.abs(value - after![i]!)).toBeLessThan(1e-4);
    });
  });

  test('channels of grouped and transposed filters', () => {
    const op = (type: string, attributes: object) =>
      ({ type, attributes, inputs: [], outputs: [], name: 'o' }) as unknown as KnownOp & { type: 'top.Conv' };
    expect([...inputChannels(op('top.Conv', { group: 2 }), [4, 2, 1, 1])]).toEqual([0, 1, 0, 1, 2, 3, 2, 3]);
    expect([...outputChannels(op('top.Conv', { group: 2 }), [4, 2, 1, 1])]).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    // (group, OC / group, IC / group): 2 groups of one output and two inputs.
    expect([...inputChannels(op('top.Deconv', { group: 2 }), [1, 4, 1, 1])]).toEqual([0, 1, 2, 3]);
    expect([...outputChannels(op('top.Deconv', { group: 2 }), [1, 4, 1, 1])]).toEqual([0, 0, 1, 1]);
    expect([...inputChannels(op('top.MatMul', { rightTranspose: true }), [2, 3])]).toEqual([0, 1, 2, 0, 1, 2]);
    expect([...outputChannels(op('top.MatMul', { rightTranspose: false }), [2, 3])]).toEqual([0, 1, 2, 0, 1, 2]);
  });
});

describe('blocks', () => {
  test('hold every operator once, up to a depth of 20', () => {
    const network = readModel(branchesOnnx()).graph;
    const blocks = blocksOf(network);
    const ops = blocks.flatMap((block) => block.ops);
    expect(new Set(ops).size).toBe(ops.length);
    expect(ops.length).toBe(network.ops.length - 1);
    expect(blocks[0]!.inputs).toEqual(['x']);
    expect(blocks.flatMap(({ outputs }) => outputs)).toEqual(expect.arrayContaining([...network.outputs]));
  });
});

describe('learned steps', () => {
  const data = noiseData('x', 192, 12);
  const quantize = (finetune_level: number) =>
    quantizeOnnxModel(configOf({ calibration_type: 'minmax' }, { finetune_level, analysis_enable: false }), uneven(), {
      data,
    });

  async function error({ model }: XquantResult): Promise<number> {
    let sum = 0;
    for (let i = 20; i < 24; i++) {
      const feeds = new Map([['x', { data: noise(192, i).map((value) => 2 * value), dims: [1, 3, 8, 8] }]]);
      const [float, quantized] = [await runOnnx(uneven(), feeds), await runOnnx(model, feeds)];
      sum += float.get('y')!.reduce((all, value, k) => all + (value - quantized.get('y')![k]!) ** 2, 0);
    }
    return sum;
  }

  test('level 2 beats level 0 on new data, and gives the same bytes each time', async () => {
    const [zero, two] = [await quantize(0), await quantize(2)];
    expect(await error(two)).toBeLessThan(await error(zero));
    expect((await quantize(2)).model).toEqual(two.model);
  }, 60_000);
});
