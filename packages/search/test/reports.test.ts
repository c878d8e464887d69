import type { Graph, Op } from '@q/ir';
import { describe, expect, it } from 'vitest';
import {
  type LayerSensitivity,
  lossLines,
  type PostProcess,
  postProcessedScore,
  printMixedTable,
  type SearchQtableOutcome,
  searchQtableReport,
  signalNoiseScore,
  similarityScore,
  userMeasure,
  writtenTrial,
} from '../src/index.ts';

const op = (name: string, type: string, ...inputs: readonly string[]): Op =>
  ({ name, type: `top.${type}`, inputs, outputs: [name], attributes: {} }) as unknown as Op;
/** The start of the manual's mobilenet_v2: Convs with their Scales. */
const graph = {
  name: 'mobilenet_v2',
  ops: [
    op('input0.1', 'Conv', 'in'),
    op('input2.1', 'Scale', 'input0.1'),
    op('input3.1', 'Conv', 'input2.1'),
    op('input5.1', 'Scale', 'input3.1'),
    op('input6.1', 'Conv', 'input5.1'),
  ],
} as unknown as Graph;

function layer(
  name: string,
  type: string,
  loss: number,
  trials: readonly (readonly [string, number, number])[] = [],
): LayerSensitivity {
  const tried = trials.map(([method, threshold, loss]) => ({ method, threshold, loss, samples: 30 }));
  const best = tried[0] ?? { method: 'KL', threshold: 1, loss, samples: 30 };
  return { layer: name, type: `top.${type}`, trials: tried, best, isDecided: true };
}

const first = layer('input0.1', 'Conv', 0.0006842551513905892, [
  ['KL', 9.442267236793155, 0.0006842551513905892],
  ['MSE', 9.7417731, 0.0007242344141149548],
]);
const ranking = [
  layer('input3.1', 'Conv', 0.004858517758037473),
  layer('input5.1', 'Scale', 0.002798812150635266),
  layer('input6.1', 'Conv', 0.0009211346574943269),
  first,
];
const outcome: SearchQtableOutcome = {
  kind: 'searched',
  int8Score: 0.9868090914371674,
  quantizedLayers: ['input0.1'],
  layers: [first],
  ranking,
  trials: [
    { count: 3, floatLayers: ['input3.1', 'input5.1', 'input6.1'], score: 0.98 },
    { count: 4, floatLayers: ['input3.1', 'input5.1', 'input6.1', 'input0.1'], score: 0.993372 },
    { count: 3, floatLayers: ['input3.1', 'input5.1', 'input6.1'], score: 0.985 },
  ],
  smallestPassing: { count: 4, floatLayers: ['input3.1', 'input5.1', 'input6.1', 'input0.1'], score: 0.993372 },
  floatType: 'F32',
  plan: { processor: 'bm1684', precision: 'INT8', asymmetric: false, ops: new Map(), values: new Map() },
  cost: { baseOperators: 0, candidateOperators: 0, fullOperators: 0 } as never,
};
const facts = {
  graph,
  mlirFile: 'mobilenet_v2.mlir',
  expectedCos: 0.99,
  quantizeTable: 'mobilenet_v2_qtable',
  methods: ['KL', 'MSE'],
  transformer: 'False',
  layerCount: 117,
};

describe('the lines of the manual', () => {
  it("search_qtable's log of a layer, digit by digit", () => {
    const lines = searchQtableReport(outcome, facts).map(({ text }) => text);
    expect(lines.slice(0, 10)).toEqual([
      "quantize_method_list=['KL', 'MSE']",
      'run float mode: mobilenet_v2.mlir',
      'run int8 mode: mobilenet_v2.mlir',
      'all_int8_cos=0.9868090914371674',
      'run int8 mode: mobilenet_v2.mlir',
      'layer name check pass !',
      'all layer number: 117',
      'all layer number no float: 1',
      'transformer model: False, all search layer number: 1',
      'Global metrics layer is : None',
    ]);
    expect(lines.slice(10, 18)).toEqual([
      'start to handle layer: input0.1, type: top.Conv',
      'adjust layer input0.1 th, with method KL, and threshlod 9.442267236793155',
      'run int8 mode: mobilenet_v2.mlir',
      'outputs_cos_los = 0.0006842551513905892',
      'adjust layer input0.1 th, with method MSE, and threshlod 9.7417731',
      'run int8 mode: mobilenet_v2.mlir',
      'outputs_cos_los = 0.0007242344141149548',
      'layer input0.1, layer type is top.Conv, best_th = 9.442267236793155, best_method = KL, best_cos_loss = 0.0006842551513905892',
    ]);
  });

  it('ranks, partners and the closing lines on the console; a partner that was taken is no rank of its own', () => {
    const shown = searchQtableReport(outcome, facts).filter((line) => line.shown);
    expect(shown.slice(1, 8).map(({ text }) => text)).toEqual([
      'the layer input3.1 is 0 sensitive layer, loss is 0.004858517758037473, type is top.Conv',
      'next scale op: input5.1',
      'the layer input5.1 is 1 sensitive layer, loss is 0.002798812150635266, type is top.Scale',
      'the layer input6.1 is 1 sensitive layer, loss is 0.0009211346574943269, type is top.Conv',
      'the layer input0.1 is 2 sensitive layer, loss is 0.0006842551513905892, type is top.Conv',
      "set_fp_layer_list = ['input3.1', 'input5.1', 'input6.1']",
      'run int8 mode: mobilenet_v2.mlir',
    ]);
    expect(shown.slice(-4).map(({ text }) => text)).toEqual([
      '>>>run result:',
      'int8 outputs_cos:0.986809 old',
      'mix model outputs_cos:0.993372',
      'Output mix quantization table to mobilenet_v2_qtable',
    ]);
  });

  it('writes the smallest set that passed, not the last', () => {
    if (outcome.kind === 'searched') expect(writtenTrial(outcome).count).toBe(4);
  });

  it("full_loss_table.txt and a table that lists a layer twice, as the original's", () => {
    expect(lossLines([{ layer: 'convolution_output11_Conv', cosine: 0.9843984 }])).toEqual([
      `No.0   : Layer: ${'convolution_output11_Conv'.padEnd(50)}\t\t\tCos: 0.984398`,
    ]);
    const table = printMixedTable({
      time: 't',
      samples: 10,
      processor: 'bm1684x',
      mode: 'F16',
      layers: ['a', 'b', 'a'],
    });
    expect(table).toMatch(
      /# chip: bm1684x {2}mix_mode: F16\n# number of F16 layer: 3\n###\n# op_name {3}quantize_mode\na F16\nb F16\na F16\n$/,
    );
  });
});

describe('scores of one sample', () => {
  const tensor = (...data: number[]) => [{ name: 'y', data }];

  it('post-processing replaces what is compared, of both networks, and cannot change what is kept', () => {
    const score = postProcessedScore(similarityScore(), {
      where: 'f.mjs',
      tensors: [{ name: 'y', shape: [1, 2] }],
      process: ({ y }) => {
        (y!.data as Float32Array)[0] = 7;
        return { first: y!.shape.length, all: y!.data };
      },
    });
    const reference = tensor(1, 2);
    expect(score(reference, tensor(-5, 2))).toBeCloseTo(1, 12);
    expect(reference[0]!.data).toEqual([1, 2]);
  });

  it('post-processing that cannot be scored is blamed by its file and the image, not the network', async () => {
    const scoreOf = (process: PostProcess) =>
      postProcessedScore(similarityScore(), {
        where: 'f.mjs',
        tensors: [{ name: 'y', shape: [1, 2] }],
        process,
        filesOf: () => ['cat.jpg'],
      });
    const scored = (process: PostProcess) => () => scoreOf(process)(tensor(1, 2), tensor(1, 3), 4);
    expect(scored(({ y }) => ({ y: [y!.data[0]! / 0, Number.NaN] }))).toThrow(
      expect.objectContaining({
        code: 'search.post-process',
        where: 'f.mjs',
        message: expect.stringContaining('image 4 (cat.jpg)'),
      }),
    );
    let calls = 0;
    expect(scored(() => ({ y: Array.from({ length: ++calls }, () => 1) }))).toThrow(
      expect.objectContaining({ code: 'search.outputs-differ', message: expect.stringContaining('f.mjs') }),
    );
    // What the network itself broke stays the network's.
    expect(() => scoreOf((outputs) => outputs)(tensor(1, 2), tensor(1, Number.NaN), 4)).toThrow(
      expect.objectContaining({ code: 'search.not-a-number', where: 'y' }),
    );
  });

  it('a promise is refused, and what it is rejected with later ends nothing', async () => {
    const rejected: unknown[] = [];
    const listen = (reason: unknown) => rejected.push(reason);
    process.on('unhandledRejection', listen);
    const later = () => Promise.reject(new Error('later')) as never;
    const score = postProcessedScore(similarityScore(), { where: 'f.mjs', tensors: [], process: later });
    expect(() => score(tensor(1), tensor(1))).toThrow(expect.objectContaining({ found: 'a promise' }));
    const measure = userMeasure({ where: 'm.mjs', tensors: [], filesOf: () => [], metric: later });
    expect(() => measure.start().add(tensor(1), tensor(1), 0)).toThrow(expect.objectContaining({ found: 'a promise' }));
    await new Promise((resolve) => setTimeout(resolve));
    process.off('unhandledRejection', listen);
    expect(rejected).toEqual([]);
  });

  it('−SQNR of 2022: means are removed, outputs are weighted by their sizes, one without noise does not count', () => {
    const score = signalNoiseScore();
    // Signal ±1 of power 4, noise ±0.1 of power 0.04: 20 dB, whatever is added to both.
    const found = score(tensor(1, -1, 1, -1), tensor(1.1 + 3, -1.1 + 3, 1.1 + 3, -1.1 + 3));
    expect(found).toBeCloseTo(20, 9);
    expect(score(tensor(1, 2), tensor(1, 2))).toBe(Number.NEGATIVE_INFINITY);
    expect(() => score(tensor(1, 2), tensor(1))).toThrow(/Calc loss fail:y/);
  });
});
