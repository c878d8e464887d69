import type { Graph, Tensor } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { describe, expect, test } from 'vitest';
import type { StorageArray } from '../src/index.ts';
import { session } from './run-op.ts';
import {
  modelNames,
  type ReferenceSample,
  readModel,
  referenceSamples,
  referenceTensors,
  shared,
} from './shared-data.ts';

/** Bounds on a float run against the stored one: max |a - b| over max |b|, and the cosine. */
const MAX_RELATIVE = 1e-4;
const MIN_COSINE = 0.999999;
/**
 * ONNX Runtime computes a sigmoid as 0.5 + p/q, so its results are multiples of 2^-25 however small they are; a few of
 * those is all that can be asked where every value of an output is near zero (yunet's obj_32 without a large face).
 */
const SIGMOID_GRAIN = 2 ** -23;

function compare(actual: ArrayLike<number>, expected: ArrayLike<number>) {
  let [difference, largest, ab, aa, bb] = [0, 0, 0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    difference = Math.max(difference, Math.abs(a - b));
    largest = Math.max(largest, Math.abs(b));
    ab += a * b;
    aa += a * a;
    bb += b * b;
  }
  return { relative: Math.max(0, difference - SIGMOID_GRAIN) / largest, cosine: ab / Math.sqrt(aa * bb) };
}

function expectAlike(name: string, actual: ArrayLike<number>, expected: Tensor): void {
  expect(actual.length, `elements of ${name}`).toBe(expected.data.length);
  const { relative, cosine } = compare(actual, expected.data as ArrayLike<number> as number[]);
  expect(relative, `max |a-b| / max |b| of ${name}`).toBeLessThanOrEqual(MAX_RELATIVE);
  expect(cosine, `cosine of ${name}`).toBeGreaterThanOrEqual(MIN_COSINE);
}

function importModel(name: string, sample: ReferenceSample): Graph {
  const inputShapes = [...sample.inputs.values()].map(({ shape }) => shape);
  return importOnnx(readModel(name), { name, inputShapes });
}

/** Values of the graph by the name that the ONNX file has for them. */
function byTensorName(graph: Graph, values: ReadonlyMap<string, StorageArray>): Map<string, StorageArray> {
  return new Map([...values].map(([name, data]) => [graph.tensorNames.get(name) ?? name, data]));
}

const feedsOf = ({ inputs }: ReferenceSample) => new Map([...inputs].map(([name, { data }]) => [name, data]));

describe.skipIf(shared === undefined)('real models against ONNX Runtime', () => {
  for (const name of modelNames().filter((model) => model !== 'deeplab_v3_257')) {
    test(name, async () => {
      const samples = referenceSamples(name);
      const graph = importModel(name, samples[0]!);
      const made = await session(graph);
      for (const sample of samples) {
        const outputs = byTensorName(graph, made.run(feedsOf(sample)));
        expect([...outputs.keys()].sort()).toEqual([...sample.outputs.keys()].sort());
        for (const [output, expected] of sample.outputs) expectAlike(output, outputs.get(output)!, expected);
      }
    });
  }

  // Its reference holds every eighth pixel of the logits, and the class of every pixel.
  test('deeplab_v3_257', async () => {
    const [sample] = referenceSamples('deeplab_v3_257');
    const graph = importModel('deeplab_v3_257', sample!);
    const [logits] = (await session(graph)).run(feedsOf(sample!)).values();
    const [size, classes] = [257, 21];
    const coarse: number[] = [];
    for (let y = 0; y < size; y += 8) {
      for (let x = 0; x < size; x += 8)
        coarse.push(...logits!.subarray((y * size + x) * classes, (y * size + x + 1) * classes));
    }
    const [expected, best] = [sample!.outputs.get('ResizeBilinear_3_every_8th_pixel')!, sample!.outputs.get('argmax')!];
    expectAlike('logits', coarse, expected);
    const argmax = (pixel: number): number => {
      const scores = logits!.subarray(pixel * classes, (pixel + 1) * classes);
      return scores.indexOf(Math.max(...scores));
    };
    const wrong = [...best.data].filter((value, pixel) => Number(value) !== argmax(pixel)).length;
    expect(wrong).toBeLessThanOrEqual(2);
  });

  test('mnist: every tensor between the layers', async () => {
    const [sample] = referenceSamples('mnist');
    const graph = importModel('mnist', sample!);
    const made = await session(graph, { retain: 'all' });
    made.run(feedsOf(sample!));
    const reference = referenceTensors('mnist', 'sample_0_all_tensors.npz');
    const compared = [...graph.values.keys()].filter((value) => {
      const expected = reference.get(tensorOf(graph, value));
      // A convolution that took the following addition as its bias keeps its name, and is another tensor then.
      if (expected === undefined || value.endsWith('_Conv')) return false;
      expectAlike(value, made.read(value), expected);
      return true;
    });
    expect(compared.length).toBe(6);
  });
});

/** A layer is named after its tensor with the ONNX operator's type behind (ir.md 8.2). */
function tensorOf(graph: Graph, value: string): string {
  return graph.tensorNames.get(value) ?? value.replace(/_[A-Z][A-Za-z]*$/, '');
}
