import type { Graph, Plan } from '@q/ir';
import { createSession } from '@q/runtime';
import { bm168x } from '../src/index.ts';

/** Lowers and runs a network; answers the codes (or floats) of every value by name. */
export async function execute(
  graph: Graph,
  plan: Plan,
  feeds: Readonly<Record<string, readonly number[]>>,
): Promise<(value: string) => number[]> {
  const lowered = bm168x.lower(graph, plan);
  return run(lowered, feeds);
}

/** Runs a lowered network on floats, or on codes where an input is fed under its quantized name. */
export async function run(
  lowered: Graph,
  feeds: Readonly<Record<string, readonly number[]>>,
): Promise<(value: string) => number[]> {
  const session = await createSession(lowered, { retain: 'all' });
  session.run(new Map(Object.entries(feeds).map(([name, data]) => [name, Float32Array.from(data)])));
  const read = (value: string): number[] => Array.from(session.slot(value).view());
  const values = new Map([...lowered.values.keys()].map((name) => [name, read(name)]));
  session.dispose();
  return (value) => values.get(value)!;
}

/** Reals that a symmetric signed quantizer of `threshold` turns into exactly these codes. */
export function reals(codes: readonly number[], threshold: number): number[] {
  return codes.map((code) => code * (threshold / 127));
}
