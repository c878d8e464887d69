import { supportsFastKernels } from '@q/kernels-wasm';
import { createSession } from '@q/runtime';
import { requireAgreement } from '../agreement.mjs';
import { printSpeed } from '../figure.mjs';
import { openGenerated } from '../generated-networks.mjs';
import { interleave } from '../interleave.mjs';

async function compare(model) {
  if (!supportsFastKernels()) {
    process.stderr.write(
      'no relaxed SIMD in this engine (Node 20 wants --experimental-wasm-relaxed-simd): not measured\n',
    );
    return;
  }
  const { graph, feeds } = await openGenerated(model);
  const input = new Map([...feeds].map(([name, { data }]) => [name, data]));
  const [ours, peer] = [await createSession(graph, { binary: 'fast' }), await createSession(graph)];
  const [a, b] = [ours, peer].map((session) => [...session.run(input).values()][0]);
  const relativeError = requireAgreement(a, b, 1e-4, model);
  const times = await interleave(
    () => ours.run(input),
    () => peer.run(input),
    { runs: 21, clock: 'cpu' },
  );
  printSpeed(`fast-${model}`, times, { peer: 'the default binary', threads: 1, relative_error: relativeError });
  ours.dispose();
  peer.dispose();
}

export const benches = ['mobilenetv2', 'resnet18'].map((model) => ({
  name: `fast-${model}`,
  summary: `float inference of ${model} on the fast binary (relaxed SIMD) against the default one`,
  run: () => compare(model),
}));
