import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { NetworkOutput } from '@q/evaluate';
import { type Graph, inputsOf, typeOf } from '@q/ir';
import { parseArguments } from '../../src/arguments/parse.ts';
import { evaluate } from '../../src/commands/evaluate.ts';
import { readHarness } from '../../src/commands/evaluate-config.ts';
import { readTask } from '../../src/commands/evaluate-labels.ts';
import { readNetworks } from '../../src/commands/evaluate-networks.ts';
import { openSampleSet } from '../../src/commands/evaluate-samples.ts';
import type { Terminal } from '../../src/terminal/terminal.ts';

interface RunTensor {
  readonly data: ArrayLike<number>;
  readonly dims: readonly number[];
}

/** Borrowed, where it is installed, from backend-spacemit, whose tests depend on it; this package does not. */
const ENGINE = 'onnxruntime-node';

/** The little that is used of it. */
interface Engine {
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{
      readonly outputNames: readonly string[];
      run(feeds: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, RunTensor>>>;
      release(): Promise<void>;
    }>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => unknown;
}

/** `undefined`, with a word why, where its binary is not installed. */
export function loadEngine(): Engine | undefined {
  try {
    const require = createRequire(new URL('../../../backend-spacemit/package.json', import.meta.url));
    return require(ENGINE) as Engine;
  } catch (error) {
    console.warn(`SKIPPED: no ${ENGINE}, so no figure was compared with it: ${String(error).split('\n')[0]}`);
    return undefined;
  }
}

const silent: Terminal = { print: () => {}, warn: () => {}, emit: () => {}, settle: () => {} };

/** The figures of a harness file as `q evaluate` counts them, of outputs that onnxruntime computed from the same feeds. */
export async function figuresOfEngine(
  engine: Engine,
  words: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const command = { ...evaluate, name: 'evaluate', aliases: [], summary: '', load: async () => evaluate };
  const { args, models } = readHarness(parseArguments(command, evaluate, words), command, silent);
  const networks = readNetworks(args, models, silent);
  const { graph } = networks[0]!;
  const samples = await openSampleSet(args, graph);
  const counter = (await readTask(args, samples, networks)).counter(graph);
  // Without graph optimisations: what the file says is what runs.
  const session = await engine.InferenceSession.create(readFileSync(models[0]!.path), {
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 3,
  });
  for (let sample = 0; sample < samples.length; sample++) {
    const results = await session.run(tensorsOf(engine, graph, await samples.feeds(sample)));
    counter.add(sample, outputsOf(graph, results));
  }
  await session.release();
  return Object.fromEntries(counter.result().map(({ name, value }) => [name, value]));
}

function tensorsOf(engine: Engine, graph: Graph, feeds: ReadonlyMap<string, Float32Array>): Record<string, unknown> {
  const tensors = inputsOf(graph).map(({ name }) => {
    const { shape } = typeOf(graph, name)!;
    return [name, new engine.Tensor('float32', feeds.get(name)!, shape)] as const;
  });
  return Object.fromEntries(tensors);
}

function outputsOf(graph: Graph, results: Readonly<Record<string, RunTensor>>): NetworkOutput[] {
  return graph.outputs.map((name) => {
    const { data } = results[graph.tensorNames.get(name) ?? name]!;
    return { name, shape: typeOf(graph, name)!.shape, data };
  });
}
