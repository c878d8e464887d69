import { createSession } from '@q/runtime';
import { requireAgreement } from '../agreement.mjs';
import { printSpeed } from '../figure.mjs';
import { interleave } from '../interleave.mjs';
import { modelNames, openModel } from '../models.mjs';
import { openOnnxPeer } from '../onnx-peer.mjs';

async function compare(model, kind) {
  const { bytes, graph, feeds } = openModel(model);
  const session = await createSession(graph);
  const peer = await openOnnxPeer(kind, bytes);
  const oursFeeds = new Map([...feeds].map(([name, { data }]) => [name, data]));
  const [output] = graph.outputs;
  const theirs = await peer.run(feeds);
  const relativeError = requireAgreement(
    session.run(oursFeeds).get(output),
    theirs.get(peer.outputNames[0]),
    1e-4,
    model,
  );
  const times = await interleave(
    () => session.run(oursFeeds),
    () => peer.run(feeds),
    { runs: 21 },
  );
  printSpeed(`float-${model}-vs-ort-${kind}`, times, {
    peer: peer.description,
    threads: 1,
    relative_error: relativeError,
  });
  session.dispose();
  await peer.close();
}

export const benches = modelNames.flatMap((model) =>
  ['web', 'node'].map((kind) => ({
    name: `float-${model}-vs-ort-${kind}`,
    summary: `float inference of ${model}, batch 1, against onnxruntime-${kind}`,
    run: () => compare(model, kind),
  })),
);
