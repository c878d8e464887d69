import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Graph, type Plan, parseMlir, printMlir, readNpz, type Tensor, type ValueRange } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { createSession, type Session } from '@q/runtime';
import { beforeAll, describe, expect, it } from 'vitest';
import { bm168x } from '../src/index.ts';

const shared = process.env.Q_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url));
const isThere = existsSync(`${shared}/models`);
if (!isThere) console.warn(`SKIPPED: ${shared} is absent, so no real network is lowered`);

type Feeds = ReadonlyMap<string, Float32Array>;

/** Stored inputs of a model, by name. */
function samplesOf(name: string): Feeds[] {
  const folder = `${shared}/data/reference/float_outputs/${name}`;
  const files = readdirSync(folder).filter((file) => file.endsWith('_in.npz'));
  const read = (file: string): ReadonlyMap<string, Tensor> => readNpz(readFileSync(`${folder}/${file}`), file);
  return files.sort().map((file) => new Map([...read(file)].map(([key, { data }]) => [key, data as Float32Array])));
}

function shapesOf(name: string): (readonly number[])[] {
  const folder = `${shared}/data/reference/float_outputs/${name}`;
  const file = readdirSync(folder).find((candidate) => candidate.endsWith('_in.npz'))!;
  return [...readNpz(readFileSync(`${folder}/${file}`), file).values()].map(({ shape }) => shape);
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

/**
 * Lowest cosine over the outputs that INT8, INT8 of bm1684 and F16 must reach with plain maxima as thresholds, and the mean
 * distance of a layer from float on the same operands, in units of its last place (undefined: not looked at, to keep the
 * test short). One scale per tensor and shifts only ruin the depthwise layers of MobileNet: TPU-MLIR's own worst layer
 * there has cosine 0.0704 on bm1684.
 */
const NETWORKS = [
  ['vww_96', 0.999, 0.999, 0.99999, 0.8],
  ['mobilenet_v1_0.25_224', 0.9, 0.05, 0.999, 2],
  ['blazeface', 0.99, 0.99, 0.99999, 0.5],
  ['nanodet_m_320', 0.95, 0.75, 0.99999, undefined],
  ['yunet_n_320_320', 0.99, 0.99, 0.99999, undefined],
] as const;

describe.skipIf(!isThere)('real networks', () => {
  for (const [name, int8, bm1684, f16, lsb] of NETWORKS) {
    describe(name, () => {
      let graph: Graph;
      let samples: Feeds[];
      let float: Session;
      let ranges: Map<string, ValueRange>;
      beforeAll(async () => {
        samples = samplesOf(name);
        graph = importOnnx(readFileSync(`${shared}/models/${name}.onnx`), { name, inputShapes: shapesOf(name) });
        float = await createSession(graph);
        ranges = observe(float, samples);
      });

      const lowest = async (lowered: Graph): Promise<number> => {
        const session = await createSession(lowered);
        const [expected, found] = [float.run(samples[0]!), session.run(samples[0]!)];
        session.dispose();
        const pairs = graph.outputs.map((output, index) =>
          cosine(expected.get(output) as Float32Array, found.get(lowered.outputs[index]!) as Float32Array),
        );
        return Math.min(...pairs);
      };
      const plan = (precision: 'INT8' | 'F16', values: Map<string, ValueRange>, processor = 'bm1684x'): Plan => ({
        processor,
        precision,
        asymmetric: false,
        ops: new Map(),
        values,
      });

      it('runs in INT8', async () => {
        const cos = await lowest(bm168x.lower(graph, plan('INT8', ranges)));
        console.info(`${name} bm1684x INT8: lowest plain cosine ${cos.toFixed(6)}`);
        expect(cos).toBeGreaterThan(int8);
      });
      it.runIf(lsb !== undefined)('is close to float in every layer, on the codes that the layer reads', async () => {
        const lowered = bm168x.lower(graph, plan('INT8', ranges));
        const session = await createSession(lowered, { retain: 'all' });
        session.run(samples[0]!);
        const realOf = (value: string): Float32Array => {
          const { quantization } = lowered.values.get(value)!;
          const scale = quantization?.kind === 'uniform' ? quantization.scale : 1;
          return Float32Array.from(session.slot(value).view() as ArrayLike<number>, (code) => code * scale);
        };
        for (const op of graph.ops) {
          const type = lowered.values.get(op.name);
          const scale = type?.quantization?.kind === 'uniform' ? type.quantization.scale : undefined;
          const operands = op.inputs.filter((input): input is string => input !== null && graph.values.has(input));
          if (scale === undefined || operands.length === 0) continue;
          const expected = float.runOp(op.name, new Map(operands.map((input) => [input, realOf(input)]))).get(op.name)!;
          const [lo, hi] = type!.dtype === 'u8' ? [0, 255 * scale] : [-128 * scale, 127 * scale];
          const found = realOf(op.name);
          const errors = found.map((value, at) => Math.abs(value - Math.min(Math.max(expected[at]!, lo), hi)) / scale);
          const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
          expect(mean, `mean distance of ${op.name} in LSB`).toBeLessThan(lsb!);
        }
        session.dispose();
      });
      it('runs on bm1684', async () => {
        const cos = await lowest(bm168x.lower(graph, plan('INT8', ranges, 'bm1684')));
        console.info(`${name} bm1684 INT8: lowest plain cosine ${cos.toFixed(6)}`);
        expect(cos).toBeGreaterThan(bm1684);
      });
      it('runs in F16', async () =>
        expect(await lowest(bm168x.lower(graph, plan('F16', new Map())))).toBeGreaterThan(f16));
      it.each(['bm1684x', 'bm1684'])('is the same after printing and parsing: %s', async (processor) => {
        const lowered = bm168x.lower(graph, plan('INT8', ranges, processor));
        const { text, weights } = printMlir(lowered, { weightFile: 'weights.npz' });
        const parsed = parseMlir(text, weights);
        const [first, second] = [await createSession(lowered), await createSession(parsed)];
        expect([...second.run(samples[0]!).values()]).toEqual([...first.run(samples[0]!).values()]);
        first.dispose();
        second.dispose();
      });
    });
  }
});
