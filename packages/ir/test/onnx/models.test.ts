import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Graph, inferShapes, parseCalibrationTable, readNpz, verify } from '../../src/index.ts';
import { importOnnx } from '../../src/onnx/import.ts';
import { sharedFolder } from '../shared-folder.ts';

const models = sharedFolder('models');
const references = sharedFolder('data/reference/float_outputs');
const tables = sharedFolder('data/reference/cali_tables');

/** Operators after import, by model; what model_transform leaves of them (ir.md 7, 8). */
const LAYERS: Readonly<Record<string, number>> = {
  FastestDet: 189,
  basic_pitch: 221,
  blazeface: 78,
  'ch_PP-OCRv3_det_infer': 150,
  deeplab_v3_257: 71,
  kwt1: 585,
  mnist: 7,
  'mobilenet_v1_0.25_224': 32,
  nanodet_m_320: 242,
  silero_vad_16k: 28,
  super_resolution_x3: 6,
  'version-slim-320': 77,
  vww_96: 32,
  yolox_nano: 258,
  yunet_n_320_320: 98,
};
const SHAPES: Readonly<Record<string, number[][]>> = {
  'ch_PP-OCRv3_det_infer': [[1, 3, 640, 640]],
  basic_pitch: [[1, 43844, 1]],
};

const loaded = new Map<string, Graph>();

function load(model: string): Graph {
  const known = loaded.get(model);
  if (known !== undefined) return known;
  const graph = importFile(model);
  loaded.set(model, graph);
  return graph;
}

function importFile(model: string): Graph {
  const inputShapes = SHAPES[model];
  const bytes = readFileSync(`${models}/${model}.onnx`);
  return importOnnx(bytes, { name: model, ...(inputShapes === undefined ? {} : { inputShapes }) });
}

const onnxName = (graph: Graph, value: string) => graph.tensorNames.get(value) ?? value;

describe.skipIf(models === undefined)('pretrained networks', () => {
  test.each(Object.keys(LAYERS))('%s imports into a well-formed graph', (model) => {
    const graph = load(model);
    expect(verify(graph)).toEqual([]);
    expect(graph.ops).toHaveLength(LAYERS[model]!);
    expect(new Set(graph.ops.map((op) => op.name)).size).toBe(graph.ops.length);
    expect([...inferShapes(graph).values]).toEqual([...graph.values]);
  });

  test.skipIf(references === undefined).each(Object.keys(LAYERS))(
    '%s has the reference’s inputs and outputs',
    (model) => {
      const graph = load(model);
      for (const [file, values] of [
        ['in', graph.ops.filter((op) => op.type === 'top.Input').map((op) => op.name)],
        ['out', graph.outputs],
      ] as const) {
        const reference = readNpz(readFileSync(`${references}/${model}/sample_0_${file}.npz`));
        if (model === 'deeplab_v3_257' && file === 'out') continue; // a reduced copy is stored
        const found = values.map((value) => [onnxName(graph, value), graph.values.get(value)!.shape]);
        const expected = [...reference].map(([name, tensor]) => [name, tensor.shape]);
        expect(found.toSorted()).toEqual(expected.toSorted());
      }
    },
  );
});

/**
 * Recorded with TPU-MLIR v1.17 (`model_transform`): the first 16 digits of the SHA-256 of `<type> <name>` of every operator of the
 * final module, inputs included, joined by newlines; and `module.FLOPs`.
 */
const TRANSFORMED: Readonly<Record<string, readonly [layers: string, flops: number]>> = {
  blazeface: ['f709d99416288c5f', 63714176],
  kwt1: ['bcc776233edbecc9', 154666044],
  mnist: ['2cbec5ac03ba0c65', 1600522],
  'mobilenet_v1_0.25_224': ['c7cfa3b07e5df646', 84600432],
  nanodet_m_320: ['184f41e26e8c5a69', 696082400],
  'version-slim-320': ['f5d6070784b7c62d', 168967840],
  vww_96: ['008de4a0eaace622', 15444748],
  yolox_nano: ['f3cc654ec2f46ec8', 1137153173],
};

/** Where names differ between releases, ours are those of 2026 (ir.md, pitfall 14); the rest is the same in all. */
const INFIXES: ReadonlyMap<string, string> = new Map([['683_Concat_r_Depth2Space', '683_Concat_Depth2Space']]);

/**
 * What else differs from the vendor's modules, without effect on layers or numbers: folded Conv weights have numbers as names there
 * (onnx-simplifier's), a weight of several readers may be cloned for readers that vanish later, `shape` of a Reshape keeps its -1, a
 * Slice keeps its bounds beyond the end and, where they name every dimension, its `axes`. 1.17 lacks attributes that 1.30 has.
 */
describe.skipIf(models === undefined)('modules that TPU-MLIR wrote', () => {
  test.each(Object.entries(TRANSFORMED))(
    '%s has their layers, in order, and their operations',
    (model, [sha, flops]) => {
      const graph = load(model);
      const list = graph.ops.map((op) => `${op.type} ${INFIXES.get(op.name) ?? op.name}`).join('\n');
      expect(createHash('sha256').update(list).digest('hex').slice(0, 16)).toBe(sha);
      expect(graph.moduleAttributes['module.FLOPs']).toMatchObject({ value: flops });
    },
  );
});

const tableRows = (name: string) => [...parseCalibrationTable(readFileSync(`${tables}/${name}`, 'utf8')).rows.keys()];

describe.skipIf(models === undefined || tables === undefined)('published calibration tables', () => {
  test.each([
    ['blazeface', 'blazeface_cali_table'],
    ['mnist', 'mnist-12_cali_table'],
  ])('%s has exactly the layers of its table, in order', (model, table) => {
    expect(load(model).ops.map((op) => op.name)).toEqual(tableRows(table));
  });

  test('pp_ocr_det has the layers of its table, but for the numbers of another export', () => {
    const graph = load('ch_PP-OCRv3_det_infer');
    const rows = tableRows('pp_ocr_det_cali_table');
    const csv = readFileSync(`${tables}/pp_ocr_det_name_map.csv`, 'utf8').trim().split('\n').slice(1);
    const tensorOf = new Map(csv.map((line) => line.split(',') as [string, string]));
    const anonymous = (name: string) => name.replace(/^p2o\.(\w+)\.\d+/, 'p2o.$1.#');
    expect(graph.ops.map((op) => anonymous(op.name))).toEqual(rows.map(anonymous));
    // Rows of a Conv with folded BatchNormalization describe the tensor behind it; one Mul has the values of its input.
    const differing = graph.ops.filter((op, index) => onnxName(graph, op.name) !== tensorOf.get(rows[index]!));
    const folded = differing.filter((op) => op.type === 'top.Conv');
    expect([folded.length, differing.length]).toEqual([35, 36]);
    for (const op of folded) expect(tensorOf.get(op.name)).toMatch(/^batch_norm_\d+\.tmp_3$/);
  });
});
