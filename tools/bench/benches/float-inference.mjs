import { createSession } from '@q/runtime';
import { requireAgreement } from '../agreement.mjs';
import { printSpeed } from '../figure.mjs';
import { openGenerated } from '../generated-networks.mjs';
import { interleave } from '../interleave.mjs';
import { modelNames, openModel } from '../models.mjs';
import { openOnnxPeer } from '../onnx-peer.mjs';

async function compare(name, { bytes, graph, feeds }, kind, goal) {
  const session = await createSession(graph);
  const peer = await openOnnxPeer(kind, bytes);
  const oursFeeds = new Map([...feeds].map(([input, { data }]) => [input, data]));
  const ours = [...session.run(oursFeeds).values()];
  const theirs = await peer.run(feeds);
  const relativeError = Math.max(
    ...peer.outputNames.map((output, at) => requireAgreement(ours[at], theirs.get(output), 1e-4, `${name} ${output}`)),
  );
  const times = await interleave(
    () => session.run(oursFeeds),
    () => peer.run(feeds),
    { runs: 21, clock: 'cpu' },
  );
  printSpeed(name, times, {
    peer: peer.description,
    ...(goal === undefined ? {} : { goal }),
    threads: 1,
    clock: 'processor time',
    relative_error: relativeError,
  });
  session.dispose();
  await peer.close();
}

const generated = [
  { name: 'mobilenetv2', network: 'mobilenetv2', goal: 1.5 },
  { name: 'resnet18', network: 'resnet18', goal: 1.1 },
  { name: 'yolov3tiny', network: 'yolov3-tiny', goal: 1.1 },
  { name: 'deit', network: 'deit-tiny', goal: 1.1 },
].map(({ name, network, goal }) => ({ name, open: () => openGenerated(network), goal }));

const stored = modelNames.map((name) => ({ name, open: () => openModel(name), goal: undefined }));

export const benches = [...generated, ...stored].flatMap(({ name, open, goal }) =>
  ['web', 'node'].map((kind) => ({
    name: `float-${name}-vs-ort-${kind}`,
    summary: `float inference of ${name}, batch 1, against onnxruntime-${kind}`,
    run: async () => compare(`float-${name}-vs-ort-${kind}`, await open(), kind, kind === 'web' ? goal : undefined),
  })),
);
