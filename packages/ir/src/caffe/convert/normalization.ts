import { type CaffeConversion, type LayerConverter, refuse } from '../conversion.ts';
import { choice, flag, integer, message, number } from '../fields.ts';
import type { CaffeLayer } from '../net.ts';

/** Mean and variance are sums: the third blob is the number of batches behind them, as a factor. */
const batchNorm: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'batch_norm_param');
  if (!flag(parameters, 'use_global_stats', true)) refuse(layer, 'use_global_stats: false', 'stored statistics');
  const input = to.operand(layer);
  const channels = to.shape(input)[1] ?? 1;
  const [mean, variance, count] = [to.blob(layer, 0, channels), to.blob(layer, 1, channels), to.blob(layer, 2, 1)];
  const factor = count[0] === 0 ? 0 : Math.fround(1 / count[0]!);
  const scaled = (data: Float32Array) => () => data.map((value) => value * factor);
  to.finish(layer, 'top.BatchNorm', {
    inputs: [
      input,
      to.constant(`${layer.name}_mean`, [channels], scaled(mean)),
      to.constant(`${layer.name}_var`, [channels], scaled(variance)),
      null,
      null,
    ],
    attributes: { epsilon: Math.fround(number(parameters, 'eps', 1e-5)) },
  });
};

/** By weights per channel, or by a second blob. */
const scale: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'scale_param');
  const input = to.operand(layer);
  const shape = to.shape(input);
  if (layer.bottoms.length === 2) {
    scaleByBlob(layer, to, integer(parameters, 'axis', 1));
    return;
  }
  const axis = integer(parameters, 'axis', 1);
  if (axis !== 1 || integer(parameters, 'num_axes', 1) !== 1)
    refuse(layer, 'another axis than 1', 'one factor per channel');
  const channels = shape[1] ?? 1;
  const bias = flag(parameters, 'bias_term', false)
    ? to.weight(layer, 1, [channels])
    : to.constant(`${layer.name}_1`, [channels], () => new Float32Array(channels));
  to.finish(layer, 'top.Scale', { inputs: [input, to.weight(layer, 0, [channels]), bias] });
};

function scaleByBlob(layer: CaffeLayer, to: CaffeConversion, axis: number): void {
  if (flag(message(layer.fields, 'scale_param'), 'bias_term', false))
    refuse(layer, 'a bias', 'no bias beside a second bottom');
  const [input, factor] = [to.operand(layer), to.operand(layer, 1)];
  const [shape, own] = [to.shape(input), to.shape(factor)];
  const target = [
    ...Array<number>(axis).fill(1),
    ...own,
    ...Array<number>(Math.max(0, shape.length - axis - own.length)).fill(1),
  ];
  const broadcast =
    own.length === shape.length
      ? factor
      : to.add('top.Reshape', {
          name: `${layer.bottoms[1]}_reshape`,
          inputs: [factor, null],
          attributes: { shape: axis === 0 ? target : target.slice(0, shape.length) },
        });
  to.finish(layer, 'top.Mul', { inputs: [input, broadcast] });
}

const localResponse: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'lrn_param');
  const region = choice(parameters, 'norm_region', { ACROSS_CHANNELS: 0, WITHIN_CHANNEL: 1 }, 'ACROSS_CHANNELS');
  if (region !== 'ACROSS_CHANNELS') refuse(layer, 'norm_region: WITHIN_CHANNEL', 'ACROSS_CHANNELS');
  to.finish(layer, 'top.LRN', {
    inputs: [to.operand(layer)],
    attributes: {
      size: integer(parameters, 'local_size', 5),
      alpha: Math.fround(number(parameters, 'alpha', 1)),
      beta: Math.fround(number(parameters, 'beta', 0.75)),
      bias: Math.fround(number(parameters, 'k', 1)),
    },
  });
};

/**
 * x / √(Σ_c x²) · scale, in the six operators that TPU-MLIR expands it to; the sum over channels is a convolution with ones
 * (tpu-mlir: lib/Dialect/Top/Canonicalize/Normalize.cpp), right behind the operator it reads. The layer's name ends in `_scale`.
 */
const normalize: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'norm_param');
  if (flag(parameters, 'across_spatial', true)) refuse(layer, 'across_spatial: true', 'normalisation over channels');
  const input = to.operand(layer);
  const channels = to.shape(input)[1] ?? 1;
  const shared = flag(parameters, 'channel_shared', true);
  const factors = to.blob(layer, 0, shared ? 1 : channels);
  const top = to.top(layer);
  const name = to.nameOf(top);
  const conv = `${name}_conv`;
  const filter = to.constant(`${conv}_${conv}_filter`, [channels, channels, 1, 1], () =>
    new Float32Array(channels * channels).fill(1),
  );
  const window = { kernelShape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0] };
  const start = to.builder.ops.length;
  const square = to.add('top.Mul', { name: `${name}_square`, inputs: [input, input] });
  const sum = to.add('top.Conv', { name: conv, inputs: [square, filter, null], attributes: window });
  const root = to.add('top.Sqrt', { name: `${name}_sqrt`, inputs: [sum] });
  const inverse = to.add('top.Reciprocal', { name: `${name}_reciprocal`, inputs: [root] });
  const unit = to.add('top.Mul', { name: `${name}_mul`, inputs: [input, inverse] });
  const shape = [1, channels, 1, 1];
  const weight = to.constant(`${name}_scale_${name}_scale_scaleWeight`, shape, () =>
    shared ? new Float32Array(channels).fill(factors[0]!) : factors,
  );
  const bias = to.constant(`${name}_scale_${name}_scale_scaleBias`, shape, () => new Float32Array(channels));
  to.define(top, to.add('top.Scale', { name: `${name}_scale`, inputs: [unit, weight, bias] }));
  to.moveBehind(input, start);
};

export const normalizationLayers = { BatchNorm: batchNorm, Scale: scale, LRN: localResponse, Normalize: normalize };
