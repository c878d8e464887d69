import { type Graph, type Plan, parseCalibrationTable, planFromTables, type Target } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { createSession } from '@q/runtime';

/** What a network is lowered to. */
export interface Lowering {
  readonly target: Target;
  readonly processor: string;
  readonly precision: Plan['precision'];
}

/** Input that every engine computes alike: a linear congruence, in −1 … 1. */
function noise(length: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

async function sha256(data: Float32Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data.slice().buffer));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function digestsOf(lowered: Graph): Promise<string[]> {
  const session = await createSession(lowered, { retain: 'all' });
  const input = lowered.ops[0]!.name;
  const { shape } = lowered.values.get(input)!;
  session.run(new Map([[input, noise(shape.reduce((product, length) => product * length, 1))]]));
  const lines: string[] = [];
  for (const name of lowered.values.keys())
    lines.push(`${name} ${await sha256(Float32Array.from(session.read(name)))}`);
  session.dispose();
  return lines;
}

/** SHA-256 of every layer of the lowered forms of a network, on noise: one text to compare engines with. */
export async function lowerAndDigest(
  model: Uint8Array,
  table: string,
  lowerings: readonly Lowering[],
): Promise<string> {
  const graph = importOnnx(model, { name: 'network' });
  const lines: string[] = [];
  for (const { target, processor, precision } of lowerings) {
    const calibrationTable = precision === 'INT8' ? { calibrationTable: parseCalibrationTable(table) } : {};
    const lowered = target.lower(graph, planFromTables({ processor, precision, ...calibrationTable }));
    lines.push(`${processor} ${precision}`, ...(await digestsOf(lowered)));
  }
  return lines.join('\n');
}
