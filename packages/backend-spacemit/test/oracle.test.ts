import { readdirSync, readFileSync } from 'node:fs';
import { spacemit } from '@q/backend-spacemit';
import { readNpz } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { expect, it } from 'vitest';
import { cosine, type Feeds, observe, planOf, run } from './graph-builder.ts';
import { onnxruntime } from './onnxruntime.ts';
import { sharedFolder } from './shared-folder.ts';

const SMALL = ['vww_96', 'version-slim-320', 'super_resolution_x3'];
const ALL = [...SMALL, 'mobilenet_v1_0.25_224', 'yunet_n_320_320', 'nanodet_m_320', 'kwt1'];
/**
 * Sums in another order move values that lie on the border between two codes, and every layer adds to what the ones before
 * moved: deep networks end some steps apart although each layer agrees but for one code in 10^5.
 */
const LEAST_AGREEMENT = 0.995;
const MODELS = process.env.Q_ORACLE_PYTHON === undefined ? SMALL : ALL;

it.each(MODELS)(
  '%s: the lowered graph is close to float, and onnxruntime agrees with our simulation of it',
  async (name) => {
    const models = sharedFolder('models');
    const references = sharedFolder(`data/reference/float_outputs/${name}`);
    if (models === undefined || references === undefined) return;
    const graph = importOnnx(readFileSync(`${models}/${name}.onnx`), { name });
    const sample = (i: number): Feeds =>
      new Map([...readNpz(readFileSync(`${references}/sample_${i}_in.npz`))].map(([key, { data }]) => [key, data]));
    const samples = readdirSync(references)
      .filter((file) => file.endsWith('_in.npz'))
      .map((_, i) => sample(i));
    const plan = planOf(await observe(graph, samples));
    const lowered = spacemit.lower(graph, plan);
    const [float, ours] = [await run(graph, sample(0)), await run(lowered, sample(0))];
    const outputs = [...ours.values()];
    const floats = [...float.values()];
    const worst = Math.min(...outputs.map((values, i) => cosine(values, floats[i]!)));
    console.log(`${name}: worst output cosine to float ${worst.toFixed(5)}`);
    expect(worst).toBeGreaterThan(0.9);
    const theirs = onnxruntime(lowered, plan, sample(0));
    if (theirs === undefined) {
      console.warn('SKIPPED: onnxruntime is not compared (set Q_ORACLE_PYTHON to a Python that has it)');
      return;
    }
    theirs.forEach((values, i) => {
      const similarity = cosine(values, outputs[i]!);
      const span = outputs[i]!.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      const difference = outputs[i]!.reduce((max, value, k) => Math.max(max, Math.abs(value - values[k]!)), 0);
      console.log(
        `  output ${i}: cosine ${similarity.toFixed(7)}, largest difference ${(difference / span).toExponential(2)} of the span`,
      );
      expect(similarity).toBeGreaterThan(LEAST_AGREEMENT);
    });
  },
);
