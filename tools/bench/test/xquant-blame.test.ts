import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import { openDataset } from '@q/dataset';
import { importOnnx, type PreprocessOptions, readOnnxModel } from '@q/ir/onnx';
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

describe('XQuant: the report names the layers behind outputs that are too far off', () => {
  it.for(Object.keys(networks))('%s', { timeout: 600_000 }, async (name, { skip }) => {
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
    const config = {
      calibration_parameters: { calibration_step: 10, calibration_type: 'minmax', input_parametres: [{}] },
      quantization_parameters: { finetune_level: 0 },
    };
    const data = { length: dataset.length, batch: (i: number) => dataset.sample(i) };
    const { summary, report } = await quantizeOnnxModel(config, bytes, { data });
    const { outputErrors, layersToBlame } = summary;
    expect(Math.min(...outputErrors.map(({ cosine }) => cosine))).toBeLessThan(0.99);
    const nodes = new Set(readOnnxModel(bytes).graph!.node!.map((node) => node.name));
    expect(layersToBlame.length).toBeGreaterThan(0);
    for (const { layer } of layersToBlame) expect(nodes, layer).toContain(layer);
    expect(report!.markdown).toContain(`: ${layersToBlame[0]!.layer} `);
    console.log(`${name}: ${layersToBlame.map(({ layer, share }) => `${layer} ${share.toFixed(3)}`).join(', ')}`);
  });
});
