import type { Graph } from '@q/ir';
import type { Finding } from './finding.ts';

/** Where one scale serves all channels, the smallest channel must not vanish below the last of 8 bits. */
const SPREAD = 256;
const LEAST = 1e-6;

/** Convs whose channels have weights of very different size, for processors with one scale per tensor. */
export function examineWeights(graph: Graph): Finding[] {
  return graph.ops.flatMap((op): Finding[] => {
    const weight = op.type === 'top.Conv' ? graph.weights.get(op.inputs[1] ?? '') : undefined;
    if (weight === undefined) return [];
    const sizes = channelMaxima(weight.data as Float32Array, weight.type.shape[0]!).filter((size) => size > LEAST);
    const spread = Math.max(...sizes) / Math.min(...sizes);
    if (!(spread > SPREAD)) return [];
    return [
      {
        code: 'doctor.weight-spread',
        where: op.name,
        message: `its largest channel has weights ${Math.round(spread)} times those of its smallest, and one scale serves both`,
        hint: 'try --we, or keep the layer in float',
      },
    ];
  });
}

function channelMaxima(data: Float32Array, channels: number): number[] {
  const size = data.length / channels;
  return Array.from({ length: channels }, (_, c) => {
    let most = 0;
    for (let i = c * size; i < (c + 1) * size; i++) most = Math.max(most, Math.abs(data[i]!));
    return most;
  });
}
