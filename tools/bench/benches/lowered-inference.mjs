import { bm168x } from '@q/backend-bm1684x';
import { spacemit } from '@q/backend-spacemit';
import { calibrate } from '@q/calib';
import { planFromTables } from '@q/ir';
import { createSession } from '@q/runtime';
import { requireAgreement } from '../agreement.mjs';
import { noiseDataset } from '../datasets.mjs';
import { printSpeed } from '../figure.mjs';
import { openGenerated } from '../generated-networks.mjs';
import { interleave } from '../interleave.mjs';
import { modelNames, openModel } from '../models.mjs';
import { openOnnxPeer } from '../onnx-peer.mjs';

async function lowerFor(target, processor, graph) {
  const { table } = await calibrate(graph, noiseDataset(graph, 4), { tuneNum: 0 });
  const plan = planFromTables({ processor, precision: 'INT8', calibrationTable: table });
  const lowered = target.lower(graph, plan);
  return { lowered, artefacts: target.artefacts(lowered, plan) };
}

const plainFeeds = (feeds) => new Map([...feeds].map(([name, { data }]) => [name, data]));

/** The integer simulation against our own float run of the same network: the outputs agree as INT8 can. */
async function againstFloat(model, { graph, feeds }, goal) {
  const { lowered } = await lowerFor(bm168x, 'bm1684x', graph);
  const [ours, peer] = [await createSession(lowered), await createSession(graph)];
  const input = plainFeeds(feeds);
  const relativeError = requireAgreement(
    [...ours.run(input).values()][0],
    [...peer.run(input).values()][0],
    0.5,
    model,
  );
  const times = await interleave(
    () => ours.run(input),
    () => peer.run(input),
    { runs: 51, clock: 'cpu' },
  );
  printSpeed(`int8-${model}-vs-float`, times, {
    goal,
    peer: 'our own float run of the same network',
    threads: 1,
    relative_error: relativeError,
  });
  ours.dispose();
  peer.dispose();
}

/** The QDQ file that users get, in onnxruntime, against the bm1684x integers here. */
async function againstQdq(model, { graph, feeds }, goal) {
  const { lowered } = await lowerFor(bm168x, 'bm1684x', graph);
  const { artefacts } = await lowerFor(spacemit, 'k1', graph);
  const peer = await openOnnxPeer('web', artefacts.find(({ name }) => name.endsWith('.onnx')).bytes);
  const ours = await createSession(lowered);
  const input = plainFeeds(feeds);
  const theirs = await peer.run(feeds);
  const relativeError = requireAgreement([...ours.run(input).values()][0], theirs.get(peer.outputNames[0]), 0.5, model);
  const times = await interleave(
    () => ours.run(input),
    () => peer.run(feeds),
    { runs: 21, clock: 'cpu' },
  );
  printSpeed(`int8-${model}-vs-ort-web`, times, {
    goal,
    peer: `${peer.description}, QDQ int8`,
    threads: 1,
    relative_error: relativeError,
  });
  ours.dispose();
  await peer.close();
}

/** Least ratios that the kernels are built for; small networks have none. */
const GOALS = { float: 1.5, web: 2 };

const networks = [
  ...modelNames
    .filter((name) => name !== 'yolox_nano')
    .map((name) => ({ name, open: () => openModel(name), goals: {} })),
  ...['mobilenetv2', 'resnet18'].map((name) => ({ name, open: () => openGenerated(name), goals: GOALS })),
];

export const benches = networks.flatMap(({ name, open, goals }) => [
  {
    name: `int8-${name}-vs-float`,
    summary: `bm1684x integer simulation of ${name} against float`,
    run: async () => againstFloat(name, await open(), goals.float),
  },
  {
    name: `int8-${name}-vs-ort-web`,
    summary: `bm1684x integer simulation of ${name} against QDQ in onnxruntime-web`,
    run: async () => againstQdq(name, await open(), goals.web),
  },
]);
