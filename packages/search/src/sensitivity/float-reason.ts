import type { Graph, Op } from '@q/ir';

/** What in a layer's own statistics makes INT8 costly, most telling first. */
export type FloatCause =
  /** One output channel of the weights spans many times what the median one does. */
  | { readonly code: 'uneven-channels'; readonly channel: number; readonly timesMedian: number }
  /** Observed values reach far beyond the threshold: they are clipped. */
  | { readonly code: 'clipped'; readonly largest: number; readonly threshold: number }
  /** The threshold lies far above most steps of the other operand: small values vanish. */
  | { readonly code: 'uneven-operands'; readonly ratio: number }
  /** Nothing stands out: the layer is early, or many layers depend on it. */
  | { readonly code: 'accumulated' };

/** From here on a channel counts as uneven, values as clipped, operands as uneven. */
const UNEVEN_CHANNELS = 8;
const CLIPPED = 1.5;
const UNEVEN_OPERANDS = 4;

type Rows = ReadonlyMap<string, { readonly threshold: number; readonly min: number; readonly max: number }>;

/** Why a layer loses in INT8, as far as weights and calibration show it. */
export function causeOf(graph: Graph, layer: string, values: Rows): FloatCause {
  const op = graph.ops.find(({ name }) => name === layer);
  if (op === undefined) return { code: 'accumulated' };
  return unevenChannels(graph, op) ?? unevenOperands(op, values) ?? clipped(layer, values) ?? { code: 'accumulated' };
}

function unevenChannels(graph: Graph, op: Op): FloatCause | undefined {
  if (op.type !== 'top.Conv' && op.type !== 'top.Deconv' && op.type !== 'top.MatMul') return undefined;
  const weight = graph.weights.get(op.inputs[1] ?? '');
  if (weight === undefined) return undefined;
  const isMatrix = op.type === 'top.MatMul';
  const channels = isMatrix ? weight.type.shape.at(-1)! : weight.type.shape[0]!;
  const data = weight.data as ArrayLike<number>;
  const perChannel = data.length / channels;
  const largest = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) {
    const channel = isMatrix ? i % channels : Math.floor(i / perChannel);
    largest[channel] = Math.max(largest[channel]!, Math.abs(data[i]!));
  }
  const median = largest.toSorted()[channels >> 1]!;
  const channel = largest.indexOf(Math.max(...largest));
  const timesMedian = largest[channel]! / median;
  return timesMedian >= UNEVEN_CHANNELS ? { code: 'uneven-channels', channel, timesMedian } : undefined;
}

function unevenOperands(op: Op, values: Rows): FloatCause | undefined {
  if (op.type !== 'top.Add' && op.type !== 'top.Concat') return undefined;
  const sizes = op.inputs.flatMap((name) => values.get(name ?? '')?.threshold ?? []);
  const ratio = Math.max(...sizes) / Math.min(...sizes);
  return sizes.length > 1 && ratio >= UNEVEN_OPERANDS ? { code: 'uneven-operands', ratio } : undefined;
}

function clipped(layer: string, values: Rows): FloatCause | undefined {
  const row = values.get(layer);
  if (row === undefined) return undefined;
  const largest = Math.max(Math.abs(row.min), Math.abs(row.max));
  return largest >= CLIPPED * row.threshold ? { code: 'clipped', largest, threshold: row.threshold } : undefined;
}

/** One sentence about a cause. */
export function explainCause(cause: FloatCause): string {
  const factor = (value: number): string => `${value.toPrecision(2)}×`;
  switch (cause.code) {
    case 'uneven-channels':
      return `channel ${cause.channel} of its weights spans ${factor(cause.timesMedian)} the median channel`;
    case 'uneven-operands':
      return `its operands' thresholds differ ${factor(cause.ratio)}`;
    case 'clipped':
      return `values reach ${cause.largest.toPrecision(4)}, its threshold is ${cause.threshold.toPrecision(4)}`;
    case 'accumulated':
      return 'nothing stands out in its own statistics: what follows magnifies its rounding';
  }
}
