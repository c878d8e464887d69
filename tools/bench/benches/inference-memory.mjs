import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { printFigure } from '../figure.mjs';
import { openGenerated } from '../generated-networks.mjs';
import { median } from '../interleave.mjs';

const script = fileURLToPath(new URL('../measure-inference-memory.mjs', import.meta.url));
const RUNS = 5;

/** What a session adds to the resident memory of a process, against the network's weights and 1.2 times its planned peak. */
async function measure(network) {
  await openGenerated(network); // so that no measured process has to make the file
  const runs = Array.from({ length: RUNS }, () =>
    JSON.parse(execFileSync(process.execPath, ['--expose-gc', script, network], { encoding: 'utf8' })),
  );
  const [{ parameters, weightBytes, activationBytes }] = runs;
  const holds = median(runs.map((run) => run.holds));
  const allowed = parameters + 1.2 * activationBytes;
  printFigure({
    name: `memory-${network}`,
    ratio: Number((holds / allowed).toPrecision(4)),
    better: 'lower',
    goal: 1,
    ours_bytes: holds,
    peer: 'bytes of the weights and 1.2 times the planned peak of the activations; over the bare process with the imported network',
    peer_bytes: Math.round(allowed),
    planned_peak_bytes: activationBytes,
    packed_weight_bytes: weightBytes,
    runs: RUNS,
  });
}

export const benches = [
  {
    name: 'memory-mobilenetv2',
    summary: 'resident memory of MobileNetV2 inference over its weights and planned peak',
    run: () => measure('mobilenetv2'),
  },
];
