import { supportsFastKernels } from '@q/kernels-wasm';
import { createSession } from '@q/runtime';
import { requireAgreement } from '../agreement.mjs';
import { printSpeed } from '../figure.mjs';
import { openGenerated } from '../generated-networks.mjs';
import { interleave } from '../interleave.mjs';
import { openOnnxPeer } from '../onnx-peer.mjs';

/** The kernels that a user may choose, as options of a session. */
const kernels = {
  fast: { binary: 'fast' },
  'fast-without-winograd': { binary: 'fast', winograd: false },
  winograd: { winograd: true },
};

async function compare(name, network, { kernel, peer, goal }) {
  const options = kernels[kernel];
  if (options.binary === 'fast' && !supportsFastKernels()) {
    process.stderr.write(
      'no relaxed SIMD in this engine (Node 20 wants --experimental-wasm-relaxed-simd): not measured\n',
    );
    return;
  }
  const { graph, feeds, bytes } = await openGenerated(network);
  const input = new Map([...feeds].map(([value, { data }]) => [value, data]));
  const ours = await createSession(graph, options);
  const other = await openPeer(peer, { graph, bytes, feeds, input });
  const [a, b] = [[...ours.run(input).values()], await other.run()];
  const relativeError = Math.max(...a.map((output, at) => requireAgreement(output, b[at], 1e-4, `${name} ${at}`)));
  const times = await interleave(() => ours.run(input), other.run, { runs: 21, clock: 'cpu' });
  printSpeed(name, times, {
    peer: other.description,
    ...(goal === undefined ? {} : { goal }),
    threads: 1,
    clock: 'processor time',
    relative_error: relativeError,
    weights_mb: ours.weightBytes / 1e6,
    ...(other.weightBytes === undefined ? {} : { peer_weights_mb: other.weightBytes / 1e6 }),
  });
  ours.dispose();
  await other.close();
}

/** Another session of ours, or onnxruntime-web; answers outputs in the graph's order. */
async function openPeer(peer, { graph, bytes, feeds, input }) {
  if (peer !== 'ort-web') {
    const session = await createSession(graph, kernels[peer] ?? {});
    const description = peer === undefined ? 'the default kernels' : peer;
    const run = async () => [...session.run(input).values()];
    return { description, weightBytes: session.weightBytes, run, close: () => session.dispose() };
  }
  const web = await openOnnxPeer('web', bytes);
  const run = async () => {
    const outputs = await web.run(feeds);
    return web.outputNames.map((output) => outputs.get(output));
  };
  return { description: web.description, run, close: () => web.close() };
}

const networks = [
  { name: 'mobilenetv2', network: 'mobilenetv2' },
  { name: 'resnet18', network: 'resnet18' },
  { name: 'yolov3tiny', network: 'yolov3-tiny' },
];

const contests = [
  {
    kernel: 'fast',
    peer: undefined,
    suffix: '',
    summary: 'the fast kernels (relaxed SIMD, Winograd) against the default ones',
  },
  { kernel: 'fast', peer: 'ort-web', suffix: '-vs-ort-web', summary: 'the fast kernels against onnxruntime-web' },
  {
    kernel: 'fast',
    peer: 'fast-without-winograd',
    suffix: '-winograd-alone',
    goal: 1.15,
    summary: 'the fast kernels against themselves without Winograd',
  },
  {
    kernel: 'winograd',
    peer: undefined,
    suffix: '',
    goal: 1.15,
    summary: 'the default kernels with Winograd against themselves without',
  },
  {
    kernel: 'winograd',
    peer: 'ort-web',
    suffix: '-vs-ort-web',
    summary: 'the default kernels with Winograd against onnxruntime-web',
  },
];

/** MobileNetV2 has no dense 3x3 at stride 1 that Winograd would take: there is nothing to compare. */
const isPointless = ({ kernel, suffix }, { name }) =>
  name === 'mobilenetv2' && (kernel === 'winograd' || suffix === '-winograd-alone');

export const benches = contests.flatMap((contest) =>
  networks
    .filter((network) => !isPointless(contest, network))
    .map(({ name: short, network }) => {
      const name = `${contest.kernel}-${short}${contest.suffix}`;
      return {
        name,
        summary: `float inference of ${short}: ${contest.summary}`,
        run: () => compare(name, network, contest),
      };
    }),
);
