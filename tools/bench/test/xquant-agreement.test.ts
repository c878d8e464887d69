import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CalibrationData, quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import { openDataset, zipSource } from '@q/dataset';
import { type Graph, inputsOf, typeOf } from '@q/ir';
import { importOnnx, type PreprocessOptions } from '@q/ir/onnx';
import { createSession } from '@q/runtime';
import { describe, expect, it } from 'vitest';
import { runOnnx } from './onnxruntime.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const shared = process.env.Q_SHARED ?? `${root}../shared`;

/**
 * Least plain cosine between onnxruntime and our simulation of the same file, worst output of one sample. Codes on the edge of
 * rounding fall either way, and that adds up; networks that are not in this table are held to 0.999.
 */
const LEAST: Readonly<Record<string, number>> = { FastestDet: 0.998, nanodet_m_320: 0.998, yolox_nano: 0.995 };
const USUAL = 0.999;

const objects: PreprocessOptions = { pixelFormat: 'rgb', mean: thirds(127.5), scale: thirds(0.0078431) };
const scenes: PreprocessOptions = { pixelFormat: 'rgb', scale: thirds(0.0039216) };

/** Where a shipped network's pictures are and how they go in, from its mlir.config.yaml. */
const pictures: Readonly<Record<string, readonly [folder: string, preprocess: PreprocessOptions]>> = {
  'objects-': ['objects-cnn', objects],
  'scenes-': ['scenes-yolov3-tiny', scenes],
  'patches-': ['patches-espcn', { pixelFormat: 'gray', scale: [0.0039216] }],
  'glyphs-': ['glyphs-crnn', { pixelFormat: 'gray', mean: [127.5], scale: [0.0078431] }],
};

function thirds(value: number): number[] {
  return [value, value, value];
}

const shipped = readdirSync(`${root}test-models`).filter((name) =>
  existsSync(`${root}test-models/${name}/${name}.onnx`),
);

/** Networks trained by others, on noise between these bounds, in these shapes where the file leaves them open. */
const others: Readonly<Record<string, readonly [low: number, high: number, shapes?: readonly (readonly number[])[]]>> =
  {
    FastestDet: [0, 1],
    basic_pitch: [-1, 1, [[1, 43844, 1]]],
    blazeface: [-1, 1],
    'ch_PP-OCRv3_det_infer': [-2, 2, [[1, 3, 160, 160]]],
    deeplab_v3_257: [-1, 1],
    kwt1: [-4, 4],
    mnist: [0, 1],
    'mobilenet_v1_0.25_224': [-1, 1],
    nanodet_m_320: [-2, 2],
    silero_vad_16k: [-1, 1],
    super_resolution_x3: [0, 1],
    'version-slim-320': [-1, 1],
    vww_96: [0, 1],
    yolox_nano: [0, 255],
    yunet_n_320_320: [0, 255],
  };

async function pictureData(name: string, bytes: Uint8Array): Promise<CalibrationData> {
  const [folder, preprocess] = Object.entries(pictures).find(([prefix]) => name.startsWith(prefix))![1];
  const inputShapes = name.startsWith('glyphs-') ? [[1, 1, 32, 96]] : undefined;
  const graph = importOnnx(bytes, { name: 'net', preprocess, ...(inputShapes && { inputShapes }) });
  const where = `${root}test-models/${folder}/calibration.zip`;
  const dataset = await openDataset({ source: zipSource(readFileSync(where)), graph, inputNum: 3, where });
  return { length: dataset.length, batch: (i) => dataset.sample(i) };
}

function noiseData(graph: Graph, [low, high]: readonly [number, number, ...unknown[]]): CalibrationData {
  const batch = async (i: number) => {
    let state = i + 1;
    const next = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return low + ((high - low) * (state >>> 8)) / 2 ** 24;
    };
    return new Map(
      inputsOf(graph).map(({ name }) => {
        const count = typeOf(graph, name)!.shape.reduce((product, dim) => product * dim, 1);
        return [name, Float32Array.from({ length: count }, next)] as const;
      }),
    );
  };
  return { length: 2, batch };
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return aa === 0 && bb === 0 ? 1 : ab / Math.sqrt(aa * bb);
}

async function agreement(bytes: Uint8Array, data: CalibrationData, inputs: readonly object[] = [{}]): Promise<number> {
  const config = {
    calibration_parameters: { calibration_step: 10, calibration_type: 'minmax', input_parametres: inputs },
    quantization_parameters: { finetune_level: 0, analysis_enable: false },
  };
  const { model, graph } = await quantizeOnnxModel(config, bytes, { data });
  const feeds = await data.batch(0);
  const theirs = await runOnnx(model, feeds, graph!);
  const session = await createSession(graph!);
  const ours = session.run(feeds);
  session.dispose();
  const worst = [...ours].map(([name, values]) => cosine(values, theirs.get(graph!.tensorNames.get(name) ?? name)!));
  return Math.min(...worst);
}

describe('XQuant: onnxruntime runs the file and agrees with the simulation', () => {
  it.each(shipped)(
    '%s',
    async (name) => {
      const bytes = readFileSync(`${root}test-models/${name}/${name}.onnx`);
      const worst = await agreement(bytes, await pictureData(name, bytes));
      console.log(`xquant, ${name}: cosine ${worst.toFixed(7)}`);
      expect(worst).toBeGreaterThan(LEAST[name] ?? USUAL);
    },
    120_000,
  );

  it.for(Object.keys(others))('%s', { timeout: 120_000 }, async (name, { skip }) => {
    const path = `${shared}/models/${name}.onnx`;
    if (!existsSync(path)) {
      console.warn(`SKIPPED: ${name} is not on this machine (it lies in ../shared, or where Q_SHARED points)`);
      skip('no such network');
    }
    const bytes = readFileSync(path);
    const [, , shapes] = others[name]!;
    const graph = importOnnx(bytes, { name: 'net', ...(shapes && { inputShapes: shapes }) });
    const inputs = inputsOf(graph).map((_, i) => (shapes === undefined ? {} : { input_shape: shapes[i] }));
    const worst = await agreement(bytes, noiseData(graph, others[name]!), inputs);
    console.log(`xquant, ${name}: cosine ${worst.toFixed(7)}`);
    expect(worst).toBeGreaterThan(LEAST[name] ?? USUAL);
  });
});
