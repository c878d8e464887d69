import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spacemit } from '@q/backend-spacemit';
import { f32Tensor, type Graph, type Plan, readNpz, writeNpz } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { expect, it } from 'vitest';
import { cosine, type Feeds, observe, planOf, run } from './graph-builder.ts';
import { sharedFolder } from './shared-folder.ts';

const SCRIPT = `
import sys, numpy as np, onnx, onnxruntime as ort
model, feeds, out = sys.argv[1:4]
onnx.checker.check_model(onnx.load(model), full_check=True)
o = ort.SessionOptions(); o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL; o.intra_op_num_threads = 1
s = ort.InferenceSession(model, o, providers=['CPUExecutionProvider'])
values = s.run(None, dict(np.load(feeds)))
np.savez(out, **{str(i): v.astype(np.float32) for i, v in enumerate(values)})
`;

/** Outputs of ONNX Runtime, in order, by the Python in Q_ORACLE_PYTHON; undefined without it. */
function onnxruntime(graph: Graph, plan: Plan, feeds: Feeds): Float32Array[] | undefined {
  const python = process.env.Q_ORACLE_PYTHON;
  if (python === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'q-oracle-'));
  try {
    const [model, input, output] = ['m.onnx', 'in.npz', 'out.npz'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(model, spacemit.artefacts(graph, plan)[0]!.bytes);
    const tensors = [...feeds].map(
      ([name, data]) => [name, f32Tensor(data as Float32Array, graph.values.get(name)!.shape)] as const,
    );
    writeFileSync(input, writeNpz(new Map(tensors)));
    execFileSync(python, ['-c', SCRIPT, model, input, output]);
    return [...readNpz(readFileSync(output)).values()].map(({ data }) => data as Float32Array);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

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
