import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import { openDataset, zipSource } from '@q/dataset';
import type { Graph, OpOf } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { describe, expect, it } from 'vitest';

const models = fileURLToPath(new URL('../../../test-models/', import.meta.url));

/**
 * Scale and zero point of every activation that XSlim 2.1.2 gave the shipped networks: `minmax`, `finetune_level` 0, the 50
 * pictures of objects-cnn's calibration as float32 arrays, torch on the CPU. Those of tensors that both files call the same.
 */
type Scales = Readonly<Record<string, Readonly<Record<string, readonly [scale: number, zeroPoint: number]>>>>;
const xslim = JSON.parse(readFileSync(new URL('xslim-2.1.2-scales.json', import.meta.url), 'utf8')) as Scales;

/** Relative. The last Relu of objects-resnet is 1.3e-5 off; all tensors in front of it are within 5e-7. */
const WORST: Readonly<Record<string, number>> = { 'objects-resnet': 2e-5 };
const USUAL = 1e-6;

function ourScales(graph: Graph): Map<string, readonly [number, number]> {
  const scales = new Map<string, readonly [number, number]>();
  const pairs = new Map(graph.ops.filter(({ type }) => type === 'top.QuantizeLinear').map((op) => [op.name, op]));
  for (const op of graph.ops) {
    const pair = op.type === 'top.DequantizeLinear' ? pairs.get(op.inputs[0]!) : undefined;
    if (pair === undefined) continue;
    const { yScale, yZeroPoint } = (pair as OpOf<'top.QuantizeLinear'>).attributes;
    const source = pair.inputs[0]!;
    for (const name of [graph.tensorNames.get(op.name) ?? op.name, graph.tensorNames.get(source) ?? source])
      scales.set(name, [yScale[0]!, yZeroPoint[0]!]);
  }
  return scales;
}

describe('XQuant: minmax without finetuning gives the scales and zero points of XSlim 2.1.2', () => {
  it.each(Object.entries(xslim))('%s', { timeout: 120_000 }, async (name, expected) => {
    const bytes = readFileSync(`${models}${name}/${name}.onnx`);
    const thirds = (value: number) => [value, value, value];
    const preprocess = { pixelFormat: 'rgb', mean: thirds(127.5), scale: thirds(0.0078431) } as const;
    const graph = importOnnx(bytes, { name: 'net', preprocess });
    const where = `${models}objects-cnn/calibration.zip`;
    const dataset = await openDataset({ source: zipSource(readFileSync(where)), graph, inputNum: 50, where });
    const config = {
      calibration_parameters: { calibration_step: 50, calibration_type: 'minmax', input_parametres: [{}] },
      quantization_parameters: { finetune_level: 0, analysis_enable: false },
    };
    const data = { length: dataset.length, batch: (i: number) => dataset.sample(i) };
    const result = await quantizeOnnxModel(config, bytes, { data });
    const ours = ourScales(result.graph!);
    for (const [tensor, [scale, zeroPoint]] of Object.entries(expected)) {
      const found = ours.get(tensor);
      expect(found, tensor).toBeDefined();
      expect(found![1], tensor).toBe(zeroPoint);
      expect(Math.abs(found![0] / scale - 1), tensor).toBeLessThan(WORST[name] ?? USUAL);
    }
    expect(Object.keys(expected).length).toBeGreaterThan(20);
  });
});
