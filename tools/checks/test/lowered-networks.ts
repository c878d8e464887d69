import { bm168x } from '@q/backend-bm1684x';
import { cv18xx } from '@q/backend-cv18xx';
import { type Graph, type Plan, type Precision, parseCalibrationTable, planFromTables } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { createSession } from '@q/runtime';

/** Forms of the network that are compared; one line of text each. */
const FORMS: readonly (readonly [processor: string, precision: Precision, asymmetric?: boolean])[] = [
  ['bm1684x', 'INT8'],
  ['bm1684x', 'INT8', true],
  ['bm1684x', 'BF16'],
  ['bm1688', 'INT4'],
  ['bm1690', 'F16'],
  ['bm1684', 'INT8'],
  ['cv183x', 'INT8'],
  ['cv183x', 'BF16'],
];

/** FNV-1a over every byte. */
function hashOf(arrays: Iterable<ArrayBufferView>): string {
  let hash = 0x811c9dc5;
  for (const array of arrays) {
    for (const byte of new Uint8Array(array.buffer, array.byteOffset, array.byteLength)) {
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    }
  }
  return hash.toString(16);
}

/** An input of whole numbers and eighths: nothing that an engine could round its own way. */
function inputOf(graph: Graph): ReadonlyMap<string, Float32Array> {
  const name = graph.ops.find(({ type }) => type === 'top.Input')!.name;
  const length = graph.values.get(name)!.shape.reduce((product, dim) => product * dim, 1);
  return new Map([[name, Float32Array.from({ length }, (_, i) => (((i * 37) % 17) - 8) / 8)]]);
}

function lower(graph: Graph, plan: Plan): Graph {
  return (plan.processor.startsWith('cv18') && plan.processor !== 'cv186x' ? cv18xx : bm168x).lower(graph, plan);
}

/** One line per form: what it is, and a hash of every layer of a run. */
export async function layerHashes(model: Uint8Array, table: string): Promise<string> {
  const graph = importOnnx(model, { name: 'objects_cnn' });
  const calibrationTable = parseCalibrationTable(table);
  const lines: string[] = [];
  for (const [processor, precision, asymmetric = false] of FORMS) {
    const lowered = lower(graph, planFromTables({ processor, precision, asymmetric, calibrationTable }));
    const session = await createSession(lowered, { retain: 'all' });
    session.run(inputOf(graph));
    const layers = [...lowered.values.keys()].map((value) => session.read(value));
    lines.push(`${processor} ${precision}${asymmetric ? ' asymmetric' : ''}: ${hashOf(layers)}`);
    session.dispose();
  }
  return lines.join('\n');
}
