import { existsSync, readFileSync } from 'node:fs';
import { type Dataset, memorySource, openDataset, zipSource } from '@q/dataset';
import type { Graph, Weight } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { describe, expect, it } from 'vitest';
import { type Examination, examine } from '../src/index.ts';
import { loadDataset, loadGraph, shared, sharedAvailable, sharedModels } from './shared-models.ts';
import { randomDataset, smallNetwork } from './small-network.ts';

const repository = new URL('../../../', import.meta.url).pathname;
const objects = {
  model: `${repository}test-models/objects-cnn/objects-cnn.onnx`,
  images: `${repository}test-models/objects-cnn/calibration.zip`,
};

type Preprocess = NonNullable<NonNullable<Parameters<typeof importOnnx>[1]>['preprocess']>;
const thirds = (value: number): number[] => [value, value, value];

function objectsGraph(preprocess: Preprocess = {}): Graph {
  return importOnnx(readFileSync(objects.model), {
    name: 'objects-cnn',
    preprocess: { pixelFormat: 'rgb', mean: thirds(127.5), scale: thirds(0.0078431), ...preprocess },
  });
}

const images = zipSource(readFileSync(objects.images), 'calibration.zip');
const objectsDataset = (graph: Graph, inputNum = 20): Promise<Dataset> =>
  openDataset({ source: images, graph, inputNum });

async function codesOf(examination: Examination): Promise<string[]> {
  return (await examine(examination)).map(({ code }) => code);
}

/** The small network with one weight changed. */
function withWeight(name: string, change: (value: number, i: number) => number): Graph {
  const graph = smallNetwork();
  const weight = graph.weights.get(name)!;
  const data = (weight.data as Float32Array).map(change);
  return { ...graph, weights: new Map<string, Weight>(graph.weights).set(name, { ...weight, data }) };
}

describe('planted mistakes are found', () => {
  const dataset = randomDataset(12);
  const filter = 8 * 9;

  it('1: the channel order of the means is not that of the images', async () => {
    const graph = objectsGraph({
      pixelFormat: 'bgr',
      mean: [123.675, 116.28, 103.53],
      scale: [0.0171, 0.0175, 0.0174],
    });
    expect(await codesOf({ graph, dataset: await objectsDataset(graph) })).toContain('doctor.channel-order');
    const right = objectsGraph({
      pixelFormat: 'rgb',
      mean: [123.675, 116.28, 103.53],
      scale: [0.0171, 0.0175, 0.0174],
    });
    expect(await codesOf({ graph: right, dataset: await objectsDataset(right) })).not.toContain('doctor.channel-order');
  });

  it('2: the standard deviation instead of its reciprocal, or the scale twice', async () => {
    for (const scale of [58.395, 1 / 255 / 127.5]) {
      const graph = objectsGraph({ scale: thirds(scale) });
      expect(await codesOf({ graph, dataset: await objectsDataset(graph) })).toContain('doctor.input-scale');
    }
  });

  it('3: images that do not decode', async () => {
    const graph = objectsGraph();
    const paths = (await images.list()).slice(0, 12);
    const files = new Map(await Promise.all(paths.map(async (path) => [path, await images.read(path)] as const)));
    const broken = paths[3]!;
    files.set(broken, files.get(broken)!.slice(0, 200));
    const dataset = await openDataset({ source: memorySource(files), graph });
    const findings = await examine({ graph, dataset });
    expect(findings.filter(({ code }) => code === 'doctor.unreadable-sample').map(({ where }) => where)).toEqual([
      broken,
    ]);
  });

  it('4: the same image twice', async () => {
    const graph = objectsGraph();
    const paths = (await images.list()).slice(0, 12);
    const files = new Map(await Promise.all(paths.map(async (path) => [path, await images.read(path)] as const)));
    files.set('copy.jpg', files.get(paths[5]!)!);
    const dataset = await openDataset({ source: memorySource(files), graph });
    const [found, ...more] = (await examine({ graph, dataset })).filter(({ code }) => code === 'doctor.duplicates');
    expect([found!.where, found!.message].join(' ')).toContain('copy.jpg');
    expect(more).toEqual([]);
  });

  it('5: dead channels', async () => {
    const graph = withWeight('w2', () => 0);
    expect(await codesOf({ graph, dataset })).toContain('doctor.zero-range');
    const wide = objectsGraph();
    const stem = wide.ops.find(({ type }) => type === 'top.Conv')!;
    const [weightName, biasName] = [stem.inputs[1]!, stem.inputs[2]!];
    const silent = (name: string): [string, Weight] => {
      const weight = wide.weights.get(name)!;
      return [
        name,
        { ...weight, data: (weight.data as Float32Array).map((_, i) => (name === biasName && i === 0 ? 1 : 0)) },
      ];
    };
    const dead = { ...wide, weights: new Map([...wide.weights, silent(weightName), silent(biasName)]) };
    expect(await codesOf({ graph: dead, dataset: await objectsDataset(dead) })).toContain('doctor.dead-channels');
  });

  it('5b: a channel that explodes', async () => {
    const graph = withWeight('w2', (value, i) => (i < filter ? value * 1e5 : value));
    expect(await codesOf({ graph, dataset })).toContain('doctor.exploding-channel');
  });

  it('6: layers without a range', async () => {
    const zeros: Dataset = {
      ...dataset,
      sample: async (i) => new Map([['x', new Float32Array(3 * 12 * 12).fill(i * 1e-9)]]),
    };
    const findings = await examine({ graph: smallNetwork(), dataset: zeros });
    expect(findings.filter(({ code }) => code === 'doctor.zero-range').map(({ where }) => where)).toContain('x');
  });

  it('7: too few samples', async () => {
    expect(await codesOf({ graph: smallNetwork(), dataset: randomDataset(3) })).toEqual(['doctor.few-samples']);
  });

  it('8: weights whose channels differ by more than eight bits, where one scale serves all', async () => {
    const graph = withWeight('w2', (value, i) => (i < filter ? value / 1000 : value));
    expect(await codesOf({ graph, dataset, perTensorWeights: true })).toEqual(['doctor.weight-spread']);
    expect(await codesOf({ graph, dataset })).toEqual([]);
  });
});

describe('healthy set-ups raise no alarm', () => {
  it('objects-cnn, on processors of either kind', async () => {
    const graph = objectsGraph();
    const dataset = await objectsDataset(graph);
    for (const perTensorWeights of [false, true])
      expect(await examine({ graph, dataset, perTensorWeights })).toEqual([]);
  });

  const others = {
    mnist: sharedModels.mnist,
    blazeface: sharedModels.blazeface,
    nanodet: {
      model: 'nanodet_m_320',
      shape: [1, 3, 320, 320],
      order: 'coco',
      preprocess: {
        pixelFormat: 'bgr',
        mean: [103.53, 116.28, 123.675],
        scale: [0.0174292, 0.017507, 0.0171248],
        keepAspectRatio: true,
      },
    },
    yolox: {
      model: 'yolox_nano',
      shape: [1, 3, 416, 416],
      order: 'coco',
      preprocess: {
        pixelFormat: 'bgr',
        mean: thirds(0),
        scale: thirds(1),
        keepAspectRatio: true,
        padValue: 114,
        padType: 'normal',
      },
    },
  } as const;
  for (const [name, model] of Object.entries(others)) {
    const there = sharedAvailable && existsSync(`${shared}/models/${model.model}.onnx`);
    it.skipIf(!there)(name, async () => {
      const graph = loadGraph(model);
      expect(await examine({ graph, dataset: await loadDataset(graph, model, 20) })).toEqual([]);
    });
  }
});
