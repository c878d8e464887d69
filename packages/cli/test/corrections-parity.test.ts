import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bm168x } from '@q/backend-bm1684x';
import { calibrate, compareTables, correctBiases, equalizeWeights } from '@q/calib';
import { type Dataset, openDataset, zipSource } from '@q/dataset';
import { type Graph, parseCalibrationTable, planFromTables, printCalibrationTable } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { describe, expect, it } from 'vitest';
import { testModel } from './q-process.ts';

/** Recorded with TPU-MLIR itself; see the README beside the files. */
const recorded = (file: string): string => readFileSync(testModel(`objects-cnn/tpu-mlir-1.17/${file}`), 'utf8');
const thirds = (value: number): number[] => [value, value, value];

function network(outputNames: readonly string[] = []): Graph {
  return importOnnx(readFileSync(testModel('objects-cnn/objects-cnn.onnx')), {
    name: 'objects-cnn',
    outputNames,
    preprocess: { pixelFormat: 'rgb', mean: thirds(127.5), scale: thirds(0.0078431) },
  });
}

const images = zipSource(readFileSync(testModel('objects-cnn/calibration.zip')), 'calibration.zip');
const samples = (graph: Graph, inputNum: number): Promise<Dataset> => openDataset({ source: images, graph, inputNum });

const sha256 = (data: ArrayLike<number>): string =>
  createHash('sha256')
    .update(new Uint8Array(Float32Array.from(data).buffer))
    .digest('hex');

describe('run_calibration --we of TPU-MLIR v1.17', () => {
  const equalized = equalizeWeights(network());

  it('gives the same weights and biases, to the bit', () => {
    const { layers } = JSON.parse(recorded('we_weights.json')) as {
      layers: Record<string, { weight: string; bias: string }>;
    };
    const convs = equalized.ops.filter(({ type }) => type === 'top.Conv');
    const ours = convs.map(({ name, inputs }) => {
      const hashOf = (at: number): string => sha256(equalized.weights.get(inputs[at]!)!.data as Float32Array);
      return [name, { weight: hashOf(1), bias: hashOf(2) }];
    });
    expect(Object.fromEntries(ours)).toEqual(layers);
  });

  it('gives the same table', async () => {
    const { table } = await calibrate(equalized, await samples(equalized, 20));
    const { summary, missing, extra } = compareTables(parseCalibrationTable(recorded('we_cali_table')), table);
    expect([missing, extra]).toEqual([[], []]);
    expect(summary!.threshold.worst).toBeLessThan(1e-6);
  });
});

describe('run_calibration --bc of TPU-MLIR v1.17 on bm1684, up to the last convolution', () => {
  /** The two decimals that a tie in one rounding can move in a network of codes. */
  const TOLERANCE = 6e-5;
  const numbersOf = (line: string): number[] => [...line.matchAll(/cos:([\d.]+)/g)].map(([, number]) => Number(number));

  it.each([
    ['bc_bias_correction.txt', false],
    ['we_bc_bias_correction.txt', true],
  ] as const)('%s: every trial', async (file, equalize) => {
    const plain = network(['/head/head.2/Relu_output_0']);
    const graph = equalize ? equalizeWeights(plain) : plain;
    const { table } = await calibrate(graph, await samples(graph, 20));
    const dataset = await samples(graph, 10);
    const calibrationTable = parseCalibrationTable(printCalibrationTable(table));
    const lines: string[] = [];
    const { trials } = await correctBiases({
      graph,
      dataset,
      sampleCount: 10,
      target: bm168x,
      plan: planFromTables({ processor: 'bm1684', precision: 'INT8', calibrationTable }),
      expectedCos: 0.99999,
      minLayerCos: 0.9999,
      emit: (event) => void (event.type === 'line' && /op:|outputs_cos:/.test(event.text) && lines.push(event.text)),
    });
    const theirs = recorded(file).trimEnd().split('\n');
    const wording = (line: string): string => line.replace(/[\d]\.\d+/g, '#');
    expect(lines.map(wording)).toEqual(theirs.map((line) => wording(line.trimEnd())));
    lines.forEach((line, at) => {
      const expected = numbersOf(theirs[at]!);
      for (const [k, value] of numbersOf(line).entries()) {
        expect(Math.abs(value - expected[k]!), line).toBeLessThan(TOLERANCE);
      }
    });
    // Which trials stayed: the best agreement of any layer so far, and of the outputs, decide.
    const applied = trials.filter((trial) => trial.applied).map(({ layer }) => layer);
    expect(applied).toEqual(equalize ? ['/blocks/blocks.0/layers/layers.3/Conv_output_0_Conv'] : []);
  });

  it('with acceptance by the outputs alone, corrections stay and the outputs agree better', async () => {
    const graph = network(['/head/head.2/Relu_output_0']);
    const { table } = await calibrate(graph, await samples(graph, 20));
    const lines: string[] = [];
    const found = await correctBiases({
      graph,
      debug: true,
      emit: (event) => void (event.type === 'line' && lines.push(event.text)),
      dataset: await samples(graph, 4),
      sampleCount: 4,
      target: bm168x,
      plan: planFromTables({ processor: 'bm1684', precision: 'INT8', calibrationTable: table }),
      expectedCos: 0.99999,
      minLayerCos: 0.99,
      acceptance: 'outputs',
    });
    expect(found.trials.some(({ applied }) => applied)).toBe(true);
    // What --debug_log adds: how every trial went.
    const outcomes = lines.filter((line) =>
      /bias correction (applied|revocation), layer_cos:\d\.\d{6}, outputs_cos:/.test(line),
    );
    expect(outcomes.map((line) => line.includes(' applied, '))).toEqual(found.trials.map(({ applied }) => applied));
    expect(found.bestOutputsCos).toBeGreaterThan(found.outputsCos);
  });
});
