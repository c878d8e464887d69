// usage: node --expose-gc measure-inference-memory.mjs NETWORK: prints what inference holds, in bytes, as JSON
import { compileKernels } from '@q/kernels-wasm';
import { createSession } from '@q/runtime';
import { openGenerated } from './generated-networks.mjs';

const RUNS = 20;
const [network] = process.argv.slice(2);

async function resident() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().rss;
}

// The bare process: packages, compiled kernels, and the network as its caller holds it.
const module = await compileKernels();
const { graph, feeds } = await openGenerated(network);
const input = new Map([...feeds].map(([name, { data }]) => [name, data]));
const bare = await resident();
const session = await createSession(graph, { module });
for (let i = 0; i < RUNS; i++) session.run(input);
const holds = (await resident()) - bare;
const parameters = [...graph.weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
const { weightBytes, activationBytes } = session;
process.stdout.write(`${JSON.stringify({ holds, parameters, weightBytes, activationBytes })}\n`);
