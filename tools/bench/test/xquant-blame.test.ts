import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CalibrationData, quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import { openDataset } from '@q/dataset';
import type { Graph } from '@q/ir';
import { importOnnx, type PreprocessOptions, readOnnxModel } from '@q/ir/onnx';
import { createSession } from '@q/runtime';
import { cosine, pairSums } from '@q/search';
import { describe, expect, it } from 'vitest';

const shared = process.env.Q_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url));

/** Networks that full INT8 takes below a cosine of 0.99, with pictures that show it. */
const networks: Readonly<Record<string, readonly [images: string, samples: number, preprocess: PreprocessOptions]>> = {
  'mobilenet_v1_0.25_224': ['imagenet', 6, { pixelFormat: 'rgb', mean: thirds(127.5), scale: thirds(1 / 127.5) }],
  yunet_n_320_320: ['wider', 3, { pixelFormat: 'bgr' }],
  yolox_nano: ['coco', 2, { pixelFormat: 'bgr', keepAspectRatio: true }],
};

function thirds(value: number): number[] {
  return [value, value, value];
}

/** Of the output that agrees least, mean over the samples. */
async function worstCosine(float: Graph, quantized: Graph, data: CalibrationData): Promise<number> {
  const [exact, coded] = [await createSession(float), await createSession(quantized)];
  const sums = new Float64Array(float.outputs.length);
  for (let i = 0; i < data.length; i++) {
    const feeds = await data.batch(i);
    const [expected, found] = [[...exact.run(feeds).values()], [...coded.run(feeds).values()]];
    expected.forEach((values, o) => {
      sums[o]! += cosine(pairSums(values as Float32Array, found[o] as Float32Array));
    });
  }
  for (const session of [exact, coded]) session.dispose();
  return Math.min(...sums) / data.length;
}

describe('XQuant: the report names the layers behind outputs that are too far off', () => {
  it.for(Object.keys(networks))('%s', { timeout: 1_800_000 }, async (name, { skip }) => {
    const path = `${shared}/models/${name}.onnx`;
    if (!existsSync(path)) {
      console.warn(`SKIPPED: ${name} is not on this machine (it lies in ../shared, or where Q_SHARED points)`);
      skip('no such network');
    }
    const [images, inputNum, preprocess] = networks[name]!;
    const bytes = readFileSync(path);
    const folder = `${shared}/data/${images}`;
    const graph = importOnnx(bytes, { name: 'net', preprocess });
    const source = {
      list: async () => readdirSync(folder).filter((file) => /jpe?g$/i.test(file)),
      read: async (file: string) => readFileSync(`${folder}/${file}`),
    };
    const dataset = await openDataset({ source, graph, inputNum, where: folder });
    const config = (more: object) => ({
      calibration_parameters: { calibration_step: 10, calibration_type: 'minmax', input_parametres: [{}] },
      quantization_parameters: { finetune_level: 0, ...more },
    });
    const data = { length: dataset.length, batch: (i: number) => dataset.sample(i) };
    const { summary, report } = await quantizeOnnxModel(config({}), bytes, { data });
    const { layersToBlame, outputErrors } = summary;
    const before = Math.min(...outputErrors.map(({ cosine }) => cosine));
    expect(before).toBeLessThan(0.99);
    const nodes = new Set(readOnnxModel(bytes).graph!.node!.map((node) => node.name));
    expect(layersToBlame.length).toBeGreaterThan(0);
    for (const { layer } of layersToBlame) expect(nodes, layer).toContain(layer);
    expect(report!.markdown).toContain(`: ${layersToBlame[0]!.layer} `);
    const following = { ignore_op_names: layersToBlame.map(({ layer }) => layer), analysis_enable: false };
    const followed = await quantizeOnnxModel(config(following), bytes, { data });
    const after = await worstCosine(graph, followed.graph!, data);
    // Half of the noise goes with the layers that are named: 1 - cosine is half of it over the signal.
    expect(1 - after).toBeLessThan((1 - before) / 2);
    const shares = layersToBlame.map(({ layer, share }) => `${layer} ${share.toFixed(3)}`).join(', ');
    console.log(`${name}: cosine ${before.toFixed(4)}, with these in float ${after.toFixed(4)}: ${shares}`);
  });
});
