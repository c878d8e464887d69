// usage: node measure-inference-memory.mjs NETWORK: prints what inference adds to a bare process, in bytes, as JSON
import { Session } from 'node:inspector/promises';
import { inputsOf } from '@q/ir';
import { compileKernels } from '@q/kernels-wasm';
import { createSession } from '@q/runtime';
import { openGenerated } from './generated-networks.mjs';
import { writeNoise } from './models.mjs';
import { residentParts } from './resident-parts.mjs';

const RUNS = 20;
const [network] = process.argv.slice(2);
const inspector = new Session();
inspector.connect();

/**
 * Resident bytes after the engine gave back all garbage; `gc()` would leave the empty young generation resident. The first
 * collections add something themselves: code of their own, and what the threads that help them allocate.
 */
async function resident() {
  for (let i = 0; i < 8; i++) {
    await inspector.post('HeapProfiler.collectGarbage');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage().rss;
}

/**
 * All that a caller needs for runs: a session, and functions that write inputs where the network reads them. The file and the
 * graph are dropped with the variables of this function.
 */
async function open(module) {
  const { graph } = await openGenerated(network);
  const parameters = [...graph.weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const session = await createSession(graph, { module });
  return { session, parameters, input: new Map(inputsOf(graph).map(({ name }) => [name, (data) => writeNoise(data)])) };
}

// The bare process: packages and compiled kernels; no network was imported and no kernel has run.
const module = await compileKernels();
residentParts(); // its own code
const bare = await resident();
const bareParts = residentParts();
const { session, parameters, input } = await open(module);
for (let i = 0; i < RUNS; i++) session.run(input);
const steady = (await resident()) - bare;
const parts = residentParts(session.kernels.memory.buffer.byteLength);
const peak = process.resourceUsage().maxRSS * 1024 - bare;
// Asked for after the measurement, so that the session is alive during it.
const { weightBytes, activationBytes } = session;
for (const part in parts) parts[part] -= bareParts[part];
process.stdout.write(`${JSON.stringify({ steady, peak, bare, parts, parameters, weightBytes, activationBytes })}\n`);
