import * as ortNode from 'onnxruntime-node';
import * as ortWeb from 'onnxruntime-web';

/**
 * An onnxruntime session over model bytes as a function from feeds to outputs, with its options in words.
 *
 * @param {'web' | 'node'} kind
 * @param {Uint8Array} model
 */
export async function openOnnxPeer(kind, model) {
  const ort = kind === 'web' ? ortWeb : ortNode;
  if (kind === 'web') ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(model, {
    graphOptimizationLevel: 'all',
    executionProviders: [kind === 'web' ? 'wasm' : 'cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  return {
    description:
      `onnxruntime-${kind} ${ort.env.versions?.[kind] ?? ort.env.versions?.common ?? ''} 1 thread, all graph optimisations`.trim(),
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    /** @param {Map<string, { data: Float32Array, shape: readonly number[] }>} feeds */
    async run(feeds) {
      const tensors = {};
      for (const [name, { data, shape }] of feeds) tensors[name] = new ort.Tensor('float32', data, shape);
      const results = await session.run(tensors);
      return new Map(session.outputNames.map((name) => [name, results[name].data]));
    },
    close: () => session.release(),
  };
}
