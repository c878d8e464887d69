import { type Emit, type Graph, type Op, typeOf } from '@q/ir';
import { createSession } from '@q/runtime';
import type { Int8Parameters } from '../../parameters.ts';
import type { CalibrationData } from '../data/calibration-data.ts';
import { tensorOf } from '../prepare/read-model.ts';
import { channelsOf } from './output-channels.ts';

export interface CollapseRequest {
  readonly graph: Graph;
  /** Values that come out of codes. */
  readonly coded: ReadonlyMap<string, Int8Parameters>;
  readonly data: CalibrationData;
  readonly emit: Emit;
}

/** One scale for channels that differ more than this leaves the small ones a handful of codes (spacemit.md 18). */
const WIDEST_RATIO = 50;
const BATCHES = 4;

/**
 * Warns about network outputs that join large and small numbers under one scale: pixels of boxes beside scores from 0 to 1, whose
 * confidences then round to zero. Proposes to cut in front of the Concat that joins them, or to leave the output float.
 */
export async function warnAboutCollapse({ graph, coded, data, emit }: CollapseRequest): Promise<void> {
  const suspects = graph.outputs.filter((name) => coded.has(name) && (typeOf(graph, name)?.shape.length ?? 0) >= 3);
  if (suspects.length === 0) return;
  const largest = await channelMaxima(graph, suspects, data);
  for (const name of suspects) {
    const sizes = largest.get(name)!.filter((size) => size > 0);
    const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
    if (sizes.length < 2 || most / least <= WIDEST_RATIO) continue;
    const parts = joinedBy(graph, name).map((part) => tensorOf(graph, part));
    const cut = parts.length > 0 ? `cut in front of the Concat (truncate_var_names: ${parts.join(', ')}), or ` : '';
    const output = tensorOf(graph, name);
    const message =
      `channels of the output ${output} reach from ${least.toPrecision(3)} to ${most.toPrecision(3)} under one scale, so that ` +
      `small ones round to zero: ${cut}leave it float (q_parameters.floatOutputs)`;
    emit({ type: 'warning', code: 'xquant.output.collapse', where: output, message });
  }
}

async function channelMaxima(
  graph: Graph,
  names: readonly string[],
  data: CalibrationData,
): Promise<Map<string, Float64Array>> {
  const largest = new Map<string, Float64Array>();
  const session = await createSession(graph, { nonFinite: 'allow' });
  try {
    for (let i = 0; i < Math.min(BATCHES, data.length); i++) {
      const outputs = session.run(await data.batch(i));
      for (const name of names) {
        const { count, inner } = channelsOf(typeOf(graph, name)!.shape);
        const sizes = largest.get(name) ?? new Float64Array(count);
        const values = outputs.get(name)!;
        for (let k = 0; k < values.length; k++) {
          const c = Math.floor(k / inner) % count;
          sizes[c] = Math.max(sizes[c]!, Math.abs(values[k]!));
        }
        largest.set(name, sizes);
      }
    }
  } finally {
    session.dispose();
  }
  return largest;
}

/** Operands of the Concat that an output comes from, through operators that only move data. */
function joinedBy(graph: Graph, output: string): string[] {
  const producer = new Map<string, Op>();
  for (const op of graph.ops) for (const name of op.outputs) if (name !== null) producer.set(name, op);
  const moving = new Set<string>(['top.Permute', 'top.Reshape', 'top.Squeeze', 'top.Unsqueeze', 'top.Flatten']);
  let op = producer.get(output);
  while (op !== undefined && moving.has(op.type)) op = producer.get(op.inputs[0]!);
  if (op?.type !== 'top.Concat') return [];
  return op.inputs.filter((name): name is string => name !== null && graph.values.has(name));
}
