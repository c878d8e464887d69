import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Graph, type Plan, parseMlir, printMlir, readNpz, type Tensor, type ValueRange } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { createSession, type Session } from '@q/runtime';
import { beforeAll, describe, expect, it } from 'vitest';
import { cv18xx } from '../src/index.ts';

const shared = process.env.Q_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url));
const isThere = existsSync(`${shared}/models`);
if (!isThere) console.warn(`SKIPPED: ${shared} is absent, so no real network is lowered`);

type Feeds = ReadonlyMap<string, Float32Array>;

/** Stored inputs of a model, by name. */
function samplesOf(name: string): ReadonlyMap<string, Tensor>[] {
  const folder = `${shared}/data/reference/float_outputs/${name}`;
  const files = readdirSync(folder).filter((file) => file.endsWith('_in.npz'));
  return files.sort().map((file) => readNpz(readFileSync(`${folder}/${file}`), file));
}

/** Thresholds that cover what the float network shows on the samples. */
function observe(float: Session, samples: readonly Feeds[]): Map<string, ValueRange> {
  const ranges = new Map<string, ValueRange>();
  for (const feeds of samples) {
    float.run(feeds, (value, pointer, length) => {
      const data = new Float32Array(float.kernels.memory.buffer, pointer, length);
      let { min, max } = ranges.get(value) ?? { min: 0, max: 0 };
      for (const element of data) {
        min = Math.min(min, element);
        max = Math.max(max, element);
      }
      ranges.set(value, { threshold: Math.max(-min, max, 1e-5), min, max });
    });
  }
  return ranges;
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return ab / Math.sqrt(aa * bb);
}

/** Lowest cosine over the outputs that INT8 and BF16 must reach with plain maxima as thresholds. */
const NETWORKS = [
  ['vww_96', 0.999, 0.9999],
  // A softmax over 1000 classes from tables: TPU-MLIR 1.17 gives the same bits.
  ['mobilenet_v1_0.25_224', 0.8, 0.97],
  ['blazeface', 0.99, 0.999],
] as const;

describe.skipIf(!isThere)('real networks', () => {
  for (const [name, int8, bf16] of NETWORKS) {
    describe(name, () => {
      let graph: Graph;
      let feeds: Feeds;
      let float: Session;
      let ranges: Map<string, ValueRange>;
      beforeAll(async () => {
        const samples = samplesOf(name);
        const inputShapes = [...samples[0]!.values()].map(({ shape }) => shape);
        const inputs = samples.map(
          (sample) => new Map([...sample].map(([key, { data }]) => [key, data as Float32Array])),
        );
        feeds = inputs[0]!;
        graph = importOnnx(readFileSync(`${shared}/models/${name}.onnx`), { name, inputShapes });
        float = await createSession(graph);
        ranges = observe(float, inputs);
      });
      const plan = (precision: 'INT8' | 'BF16'): Plan => ({
        processor: precision === 'INT8' ? 'cv181x' : 'cv183x',
        precision,
        asymmetric: false,
        ops: new Map(),
        values: precision === 'INT8' ? ranges : new Map(),
      });
      const run = async (lowered: Graph) => {
        const session = await createSession(lowered);
        const outputs = [...session.run(feeds)].map(([key, data]) => [key, Float32Array.from(data)] as const);
        session.dispose();
        return new Map(outputs);
      };

      it.each([
        ['INT8', int8],
        ['BF16', bf16],
      ] as const)('%s is close to float, and the same after printing', async (precision, least) => {
        const lowered = cv18xx.lower(graph, plan(precision));
        const found = await run(lowered);
        const expected = float.run(feeds);
        const cosines = graph.outputs.map((output, index) =>
          cosine(expected.get(output) as Float32Array, found.get(lowered.outputs[index]!)!),
        );
        console.info(`${name} ${precision}: lowest plain cosine ${Math.min(...cosines).toFixed(6)}`);
        expect(Math.min(...cosines)).toBeGreaterThan(least);
        const { text, weights } = printMlir(lowered, { weightFile: 'weights.npz' });
        const again = await run(parseMlir(text, weights));
        expect([...again.values()]).toEqual([...found.values()]);
      });
    });
  }
});
