import { type Graph, inputsOf, typeOf } from '@q/ir';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/** An ONNX file in onnxruntime, without its graph optimisations: what the file says is what runs. */
export async function runOnnx(
  model: Uint8Array,
  feeds: ReadonlyMap<string, Float32Array>,
  graph: Graph,
): Promise<Map<string, Float32Array>> {
  const session = await InferenceSession.create(model, { graphOptimizationLevel: 'disabled', logSeverityLevel: 3 });
  const tensors: Record<string, Tensor> = {};
  for (const { name } of inputsOf(graph))
    tensors[name] = new Tensor('float32', feeds.get(name)!, [...typeOf(graph, name)!.shape]);
  const results = await session.run(tensors);
  const outputs = new Map(
    session.outputNames.map((name) => [name, Float32Array.from(results[name]!.data as Float32Array)]),
  );
  await session.release();
  return outputs;
}

/** max |a − b| / max |b| */
export function relativeError(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  let error = 0;
  let scale = 0;
  for (let i = 0; i < theirs.length; i++) {
    error = Math.max(error, Math.abs(ours[i]! - theirs[i]!));
    scale = Math.max(scale, Math.abs(theirs[i]!));
  }
  return error / scale;
}
