import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spacemit } from '@q/backend-spacemit';
import { f32Tensor, type Graph, type Plan, readNpz, writeNpz } from '@q/ir';
import type { Feeds } from './graph-builder.ts';

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
export function onnxruntime(graph: Graph, plan: Plan, feeds: Feeds): Float32Array[] | undefined {
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
