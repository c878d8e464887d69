import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Graph, type Plan, parseMlir, printMlir, type ValueRange } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { createSession } from '@q/runtime';
import { describe, expect, it } from 'vitest';
import { cv18xx } from '../src/index.ts';

/** See the README beside the files. */
const folder = fileURLToPath(new URL('tpu-mlir-1.30.2/', import.meta.url));

interface Recorded {
  readonly inputShape: readonly number[];
  readonly input: string;
  readonly thresholds: Readonly<Record<string, readonly [number, number, number]>>;
  /** By `processor precision`: digests of the layers. */
  readonly layers: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

function planFor(recorded: Recorded, processor: string, precision: 'INT8' | 'BF16'): Plan {
  const rows = Object.entries(recorded.thresholds).map(([name, [threshold, min, max]]): [string, ValueRange] => [
    name,
    { threshold, min, max },
  ]);
  const values = new Map(precision === 'INT8' ? rows : []);
  return { processor, precision, asymmetric: false, ops: new Map(), values };
}

async function digests(lowered: Graph, input: Float32Array): Promise<Record<string, string>> {
  const session = await createSession(lowered, { retain: 'all' });
  session.run(new Map([[lowered.ops[0]!.name, input]]));
  const found: Record<string, string> = {};
  for (const name of lowered.values.keys()) {
    const values = Float32Array.from(session.read(name));
    found[name] = createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex').slice(0, 16);
  }
  session.dispose();
  return found;
}

describe('every layer has the values that TPU-MLIR 1.30.2 computes', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const name = file.replace('.json', '');
    const recorded = JSON.parse(readFileSync(folder + file, 'utf8')) as Recorded;
    it.each(Object.keys(recorded.layers))(`${name} on %s`, async (where) => {
      const [processor, precision] = where.split(' ') as [string, 'INT8' | 'BF16'];
      const graph = importOnnx(readFileSync(`${folder}${name}.onnx`), { name, inputShapes: [recorded.inputShape] });
      const lowered = cv18xx.lower(graph, planFor(recorded, processor, precision));
      const bytes = Uint8Array.from(Buffer.from(recorded.input, 'base64'));
      const input = new Float32Array(bytes.buffer);
      const found = await digests(lowered, input);
      // The importer here computes what two layers have in common once; nothing else may be missing.
      expect(recorded.layers[where]).toMatchObject(found);
      expect(Object.keys(found)).toEqual(expect.arrayContaining([...lowered.outputs]));
      expect(lowered.outputs.length).toBe(
        Object.keys(recorded.layers[where]!).filter((n) => n.endsWith('_f32')).length,
      );
      const { text, weights } = printMlir(lowered, { weightFile: 'weights.npz' });
      expect(await digests(parseMlir(text, weights), input)).toEqual(found);
    });
  }
});
