import type { Feeds } from '@q/dataset';
import { type Graph, typeOf } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import type { Finding } from './finding.ts';

/** Layers with fewer channels are too small to judge by their channels. */
const FEWEST_CHANNELS = 8;
const DEAD_SHARE = 0.95;
const EXPLODING = 1000;
const TINY = 1e-5;

/** Extremes per channel of one value over some samples. */
interface ChannelExtremes {
  readonly min: Float32Array;
  readonly max: Float32Array;
}

/** Runs some samples: values that are always zero, layers whose channels are dead, channels that explode. */
export async function examineActivations(graph: Graph, samples: readonly Feeds[]): Promise<Finding[]> {
  const session = await createSession(graph, { nonFinite: 'allow' });
  const extremes = new Map<string, ChannelExtremes>();
  const result = session.allocate(8);
  try {
    for (const feeds of samples) {
      session.run(feeds, (name, pointer, length) => {
        const shape = typeOf(graph, name)!.shape;
        const channels = shape.length === 4 && shape[0] === 1 ? shape[1]! : 1;
        const known = extremes.get(name) ?? unknownExtremes(channels);
        extremes.set(name, known);
        widen(known, { session, pointer, size: length / channels, result });
      });
    }
  } finally {
    session.release(result);
    session.dispose();
  }
  return graph.ops.flatMap((op) => {
    const known = extremes.get(op.name);
    return known === undefined ? [] : judge(op.name, op.type === 'top.Conv', known);
  });
}

function unknownExtremes(channels: number): ChannelExtremes {
  return {
    min: new Float32Array(channels).fill(Number.POSITIVE_INFINITY),
    max: new Float32Array(channels).fill(Number.NEGATIVE_INFINITY),
  };
}

interface ChannelData {
  readonly session: Session;
  readonly pointer: number;
  /** Elements per channel. */
  readonly size: number;
  readonly result: number;
}

function widen({ min, max }: ChannelExtremes, { session, pointer, size, result }: ChannelData): void {
  const { exports, memory } = session.kernels;
  for (let c = 0; c < min.length; c++) {
    exports.stats_minmax(pointer + c * size * 4, size, result);
    const [low, high] = new Float32Array(memory.buffer, result, 2);
    min[c] = Math.min(min[c]!, low!);
    max[c] = Math.max(max[c]!, high!);
  }
}

function judge(where: string, isConv: boolean, { min, max }: ChannelExtremes): Finding[] {
  const sizes = Array.from(min, (low, c) => Math.max(Math.abs(low), Math.abs(max[c]!)));
  const largest = Math.max(...sizes);
  if (largest <= TINY) {
    return [
      {
        code: 'doctor.zero-range',
        where,
        message: 'it is zero on every sample that was looked at',
        hint: 'a layer without a range gets the threshold 1e-5: check the samples and the preprocessing',
      },
    ];
  }
  if (!isConv || sizes.length < FEWEST_CHANNELS) return [];
  const dead = sizes.filter((_, c) => min[c] === max[c]).length;
  if (dead > DEAD_SHARE * sizes.length) return [deadChannels(where, dead, sizes.length)];
  const ascending = sizes.filter((size) => size > 0).sort((a, b) => a - b);
  const median = ascending[ascending.length >> 1]!;
  return largest > EXPLODING * median ? [explodingChannel(where, sizes.indexOf(largest), largest / median)] : [];
}

function deadChannels(where: string, dead: number, channels: number): Finding {
  return {
    code: 'doctor.dead-channels',
    where,
    message: `${dead} of its ${channels} channels never change`,
    hint: 'check the preprocessing, and whether the weights were converted completely',
  };
}

function explodingChannel(where: string, channel: number, times: number): Finding {
  return {
    code: 'doctor.exploding-channel',
    where,
    message: `channel ${channel} reaches ${Math.round(times)} times what the others do, and sets the range for all`,
    hint: 'try --we, another method than max, or keep the layer in float',
  };
}
