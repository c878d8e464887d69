import { inputsOf, typeOf, verify } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { createSession } from '@q/runtime';
import { expect, test } from 'vitest';
// @ts-expect-error plain JavaScript
import { generateNetwork } from '../src/generate-network.mjs';
// @ts-expect-error plain JavaScript
import { NetworkBuilder } from '../src/network-builder.mjs';
// @ts-expect-error plain JavaScript
import { networks } from '../src/networks.mjs';
// @ts-expect-error plain JavaScript
import { sampleImages } from '../src/sample-images.mjs';

/** Published parameter counts, less one number per channel of every batch norm (folded: a bias instead of scale and shift). */
const PARAMETERS: Readonly<Record<string, number>> = {
  mobilenetv2: 3_504_872 - 17_056,
  resnet18: 11_689_512 - 4_800,
  resnet50: 25_557_032 - 26_560,
  'deit-tiny': 5_717_416,
  'yolov3-tiny': 8_849_182,
  yolov5s: 7_225_885,
};

/** Constants of the decoding are no parameters. */
const isParameter = (name: string) => !name.endsWith('.cells') && !name.endsWith('.anchors');

test.each(Object.keys(PARAMETERS))('%s has the published number of parameters and is well formed', (name) => {
  const net = new NetworkBuilder(name);
  const graph = net.graph(networks[name].build(net));
  const weights = [...graph.weights] as [string, { data: Float32Array }][];
  const parameters = weights
    .filter(([weight]) => isParameter(weight))
    .reduce((sum, [, { data }]) => sum + data.length, 0);
  expect(parameters).toBe(PARAMETERS[name]);
  expect(verify(graph)).toEqual([]);
});

test('mobilenetv2 as a file: imports, activations are sane, images differ', async () => {
  const graph = importOnnx(await generateNetwork('mobilenetv2'), { name: 'mobilenetv2' });
  expect(typeOf(graph, inputsOf(graph)[0]!.name)?.shape).toEqual([1, 3, 224, 224]);
  const convolutions = graph.ops.filter((op) => op.type === 'top.Conv').map((op) => op.name);
  const session = await createSession(graph, { retain: [...convolutions, graph.outputs[0]!] });
  const logits: Float32Array[] = [];
  for (const image of await sampleImages(8, [224, 224], networks.mobilenetv2.preprocess)) {
    logits.push(session.run(new Map([['input', image]])).get(graph.outputs[0]!) as Float32Array);
    for (const name of convolutions) {
      const largest = (session.read(name) as Float32Array).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      expect(largest, name).toBeGreaterThan(0.5);
      expect(largest, name).toBeLessThan(60);
    }
  }
  session.dispose();
  // The data pass put the mean of every logit over these samples at 0 and their deviation at 2.
  const deviation = Math.sqrt(
    logits.reduce((sum, row) => sum + row.reduce((total, value) => total + value * value, 0), 0) / (8 * 1000),
  );
  expect(deviation).toBeCloseTo(2, 2);
  expect(logits.reduce((sum, row) => sum + row[7]!, 0) / 8).toBeCloseTo(0, 2);
  expect(new Set(logits.map((row) => row.indexOf(Math.max(...row)))).size).toBeGreaterThan(4);
});
