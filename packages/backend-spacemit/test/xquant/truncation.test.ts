import { readFileSync } from 'node:fs';
import { quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import { readOnnxModel } from '@q/ir/onnx';
import { expect, test } from 'vitest';
import { cosine, noise, run } from '../graph-builder.ts';
import { configOf, noiseData, runOnnx } from './networks.ts';

const float = readFileSync(new URL('../../../../test-models/scenes-yolov8/scenes-yolov8.onnx', import.meta.url));
const INPUT = 3 * 128 * 128;

test('a YOLOv8 cut behind its heads: INT8 in front, float behind, outputs as they were', async () => {
  const cut = ['/network/heads.0/Concat_output_0', '/network/heads.1/Concat_output_0'];
  const levels = { finetune_level: 0, analysis_enable: false, truncate_var_names: cut };
  const config = configOf({ calibration_type: 'minmax', input_parametres: [{}] }, levels);
  const { model, graph } = await quantizeOnnxModel(config, float, { data: noiseData('image', INPUT, 2) });
  const [before, after] = [readOnnxModel(float).graph!, readOnnxModel(model).graph!];
  const shapeOf = ({ name, type }: NonNullable<typeof before.output>[number]) => [
    name,
    type!.tensorType!.shape!.dim!.map(({ dimValue }) => Number(dimValue)),
  ];
  expect(after.output!.map(shapeOf)).toEqual(before.output!.map(shapeOf));
  expect(after.output!.map(shapeOf)).toEqual([['detections', [1, 12, 320]]]);

  const nodes = after.node!;
  const isOf = (type: string) => (node: { opType?: string }) => node.opType === type;
  const behind = new Set(cut);
  const tail = nodes.filter(({ input, output }) => {
    const isBehind = input!.some((name) => behind.has(name));
    if (isBehind) for (const name of output!) behind.add(name);
    return isBehind;
  });
  expect(tail.map(({ opType }) => opType)).toEqual(
    'Reshape Reshape Concat Split Reshape Transpose Softmax Conv Reshape Slice Mul Sub Slice Mul Add Add Mul Sub Sigmoid Concat'.split(
      ' ',
    ),
  );
  const constants = new Set(after.initializer!.map(({ name }) => name));
  const convolutions = nodes.filter((node) => isOf('Conv')(node) && !tail.includes(node));
  expect(convolutions).toHaveLength(37);
  for (const { input } of convolutions) expect(constants.has(input![1]!), input![1]).toBe(false);
  const ends = nodes.filter(({ output }) => output!.some((name) => cut.includes(name)));
  expect(ends.map(({ opType }) => opType)).toEqual(['DequantizeLinear', 'DequantizeLinear']);

  const image = noise(INPUT, 9).map((value) => 2 * value);
  const found = (await runOnnx(model, new Map([['image', { data: image, dims: [1, 3, 128, 128] }]]))).get(
    'detections',
  )!;
  const [ours] = (await run(graph!, new Map([['image', image]]))).values();
  expect(cosine(ours!, found)).toBeGreaterThan(0.9999);
}, 60_000);
