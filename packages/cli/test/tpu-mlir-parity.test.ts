import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bm168x } from '@q/backend-bm1684x';
import { cv18xx } from '@q/backend-cv18xx';
import { calibrate, type MethodName, printKurtosis } from '@q/calib';
import { type Dataset, openDataset, zipSource } from '@q/dataset';
import {
  type CalibrationTable,
  type Graph,
  isQError,
  type Plan,
  type PlanOptions,
  type Precision,
  parseCalibrationTable,
  planFromTables,
  type Target,
} from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { createSession } from '@q/runtime';
import { beforeAll, describe, expect, it } from 'vitest';
import { testModel } from './q-process.ts';

/** Recorded with TPU-MLIR itself; see the README beside the files. */
const recorded = (file: string): string => testModel(`objects-cnn/tpu-mlir-1.17/${file}`);

const promised: readonly string[] = ['bm1684x', 'bm1688', 'cv186x', 'bm1690', 'bm1684', 'cv181x', 'cv183x'];

interface RecordedLayers {
  readonly processor: string;
  readonly mode: Precision;
  readonly asymmetric: boolean;
  readonly options?: PlanOptions;
  readonly calibrationTable: string;
  readonly input: string;
  readonly layers: Readonly<Record<string, { readonly shape: readonly number[]; readonly sha256: string }>>;
}

let graph: Graph;
let samples: Dataset;

/** One of the networks for the objects data set. */
function openObjects(name: string): Graph {
  const thirds = (value: number): number[] => [value, value, value];
  return importOnnx(readFileSync(testModel(`${name}/${name}.onnx`)), {
    name,
    preprocess: { pixelFormat: 'rgb', mean: thirds(127.5), scale: thirds(0.0078431) },
  });
}

function openSamples(network: Graph, inputNum: number): Promise<Dataset> {
  const path = testModel('objects-cnn/calibration.zip');
  return openDataset({ source: zipSource(readFileSync(path), path), graph: network, inputNum });
}

beforeAll(async () => {
  graph = openObjects('objects-cnn');
  samples = await openSamples(graph, 20);
});

function readTable(file: string): CalibrationTable {
  return parseCalibrationTable(readFileSync(recorded(file), 'utf8'), file);
}

describe('calibration tables of TPU-MLIR v1.17', () => {
  it.each([
    ['kl_tune5_cali_table', 'kl', 5],
    ['kl_tune0_cali_table', 'kl', 0],
    ['mse_cali_table', 'mse', 5],
    ['max_cali_table', 'max', 5],
    ['percentile9999_cali_table', 'percentile9999', 5],
    ['aciq_gauss_cali_table', 'aciq_gauss', 5],
    ['aciq_laplace_cali_table', 'aciq_laplace', 5],
  ] as const)('%s', async (file, method: MethodName, tuneNum) => {
    const theirs = readTable(file);
    const { table } = await calibrate(graph, samples, { method, tuneNum });
    expectSameRows(table.rows, theirs.rows);
  });

  it('mse_cali_table of a network whose squeeze-excite maps are empty on some samples: no threshold, so 1e-5', async () => {
    const file = testModel('objects-mobilenetv3/tpu-mlir-1.17/mse_cali_table');
    const theirs = parseCalibrationTable(readFileSync(file, 'utf8'), file);
    const gates = openObjects('objects-mobilenetv3');
    const warned: (string | undefined)[] = [];
    const { table } = await calibrate(gates, await openSamples(gates, 100), {
      method: 'mse',
      emit: (event) => {
        if (event.type === 'warning' && event.code === 'calib.mse.zero-sample') warned.push(event.where);
      },
    });
    expectSameRows(table.rows, theirs.rows);
    const empty = [...theirs.rows]
      .filter(([, { threshold, max }]) => threshold === 1e-5 && max! > 1)
      .map(([name]) => name);
    expect(empty).toHaveLength(4);
    expect(warned).toEqual(empty);
  });

  it('int4_cali_table, with a section for four bits', async () => {
    const theirs = readTable('int4_cali_table');
    const { table } = await calibrate(graph, samples, { int4: true });
    expectSameRows(table.rows, theirs.rows);
    expectSameRows(table.sections.int4, theirs.sections.int4);
    expect(table.header.filter((line) => line.includes('tune'))).toEqual([]);
  });

  it('fp8_cali_table', async () => {
    const theirs = readTable('fp8_cali_table');
    const { table } = await calibrate(graph, samples, { fp8: true });
    expect(table.format).toBe('fp8');
    expectSameRows(table.rows, theirs.rows);
  });

  it("torch_cali_table: PyTorch 2.1's histogram observer", async () => {
    const theirs = readTable('torch_cali_table');
    const { table } = await calibrate(graph, samples, { method: 'torch_observer' });
    // One search for a range is decided by the last bits of the activations: fed with TPU-MLIR's, the observer agrees too.
    const close = /blocks\.0\/Add/;
    const others = (rows: Rows): Rows => new Map([...rows].filter(([name]) => !close.test(name)));
    expectSameRows(others(table.rows), others(theirs.rows));
    const [name] = [...table.rows.keys()].filter((layer) => close.test(layer));
    const [ours, expected] = [table, theirs].map(({ rows }) => rows.get(name!)!.threshold);
    expect(Math.abs(ours! / expected! - 1)).toBeLessThan(0.02);
  });

  it('kurtosis_analysis', async () => {
    const theirs = readFileSync(recorded('kurtosis_analysis'), 'utf8').trim().split('\n');
    const { kurtosis } = await calibrate(graph, samples, { kurtosis: true });
    const ours = printKurtosis(kurtosis!).trim().split('\n');
    expect(ours[0]).toBe(theirs[0]);
    expect(ours.length).toBe(theirs.length);
    ours.slice(1).forEach((line, i) => {
      const [name, value, type] = line.split(/\s+/);
      const [theirName, theirValue, theirType] = theirs[i + 1]!.split(/\s+/);
      expect([name, type]).toEqual([theirName, theirType]);
      expect(Math.abs(Number(value) / Number(theirValue) - 1)).toBeLessThan(1e-5);
    });
  });
});

type Rows = CalibrationTable['rows'];

function expectSameRows(ours: Rows, theirs: Rows): void {
  expect([...ours.keys()]).toEqual([...theirs.keys()]);
  const worst = { difference: 0, at: '' };
  for (const [name, row] of ours) {
    for (const column of ['threshold', 'min', 'max'] as const) {
      const expected = theirs.get(name)![column];
      // Tables have seven decimals; below that nothing can be told.
      const difference = Math.max(0, Math.abs(row[column] - expected) - 1e-7) / Math.max(1e-5, Math.abs(expected));
      if (difference > worst.difference) Object.assign(worst, { difference, at: `${name} ${column}` });
    }
  }
  expect(worst.difference, worst.at).toBeLessThan(1e-5);
}

describe('lowered networks of TPU-MLIR v1.17: every layer has the codes that its interpreter computes', () => {
  it.for([
    ['bm1684x_int8_layers.json', bm168x],
    ['bm1688_int8_layers.json', bm168x],
    ['cv186x_int8_layers.json', bm168x],
    ['bm1690_int8_layers.json', bm168x],
    ['bm1684_int8_layers.json', bm168x],
    ['bm1684x_int8_asym_layers.json', bm168x],
    ['bm1684x_int8_mse_layers.json', bm168x],
    ['bm1684x_int8_matmul_perchannel_layers.json', bm168x],
    ['bm1688_int4_layers.json', bm168x],
    ['bm1688_int4_int4_table_layers.json', bm168x],
    ['cv181x_int8_layers.json', cv18xx],
    ['cv183x_int8_layers.json', cv18xx],
  ] as const)('%s', async ([file, target], { skip }) => {
    const facts = JSON.parse(readFileSync(recorded(file), 'utf8')) as RecordedLayers;
    const { processor, mode, asymmetric, options, calibrationTable } = facts;
    const plan = planFromTables({
      processor,
      precision: mode,
      asymmetric,
      ...(options === undefined ? {} : { options }),
      calibrationTable: readTable(calibrationTable),
    });
    const lowered = lowerOrRefuse(target, plan);
    if (lowered === undefined) {
      console.warn(`SKIPPED: ${file}: this version refuses to lower objects-cnn for it`);
      skip();
      return;
    }
    const session = await createSession(lowered, { retain: 'all' });
    const sample = Array.from({ length: samples.length }, (_, i) => i).find(
      (i) => samples.files(i)[0] === facts.input,
    )!;
    session.run(await samples.sample(sample));
    expect(new Set(lowered.values.keys())).toEqual(new Set(Object.keys(facts.layers)));
    const different = Object.entries(facts.layers).filter(([name, { sha256 }]) => {
      const codes = Float32Array.from(session.read(name));
      return createHash('sha256').update(new Uint8Array(codes.buffer)).digest('hex') !== sha256;
    });
    expect(different.map(([name]) => name)).toEqual([]);
    session.dispose();
  });

  /** The processors whose numbers are promised may not be refused. */
  function lowerOrRefuse(target: Target, plan: Plan): Graph | undefined {
    try {
      return target.lower(graph, plan);
    } catch (error) {
      if (isQError(error) && !promised.includes(plan.processor)) return undefined;
      throw error;
    }
  }
});
