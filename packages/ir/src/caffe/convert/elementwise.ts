import type { OpType } from '../../operators/index.ts';
import { type LayerConverter, refuse } from '../conversion.ts';
import { choice, flag, hasField, integer, message, number, numbers } from '../fields.ts';

const OPERATIONS = { PROD: 0, SUM: 1, MAX: 2, MIN: 3 } as const;

/** A Relu with a slope is a LeakyRelu, also when the slope that is written is 0. */
const relu: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'relu_param');
  const inputs = [to.operand(layer)];
  if (!hasField(parameters, 'negative_slope')) return to.finish(layer, 'top.Relu', { inputs });
  const alpha = Math.fround(number(parameters, 'negative_slope', 0));
  return to.finish(layer, 'top.LeakyRelu', { inputs, attributes: { alpha } });
};

const relu6: LayerConverter = (layer, to) =>
  to.finish(layer, 'top.Clip', { inputs: [to.operand(layer)], attributes: { min: 0, max: 6 } });

const prelu: LayerConverter = (layer, to) => {
  const input = to.operand(layer);
  const shape = to.shape(input);
  const shared = flag(message(layer.fields, 'prelu_param'), 'channel_shared', false);
  const slopes = shape.map((dim, axis) => (axis === 1 && !shared ? dim : 1));
  to.finish(layer, 'top.PRelu', { inputs: [input, to.weight(layer, 0, slopes)] });
};

const elu: LayerConverter = (layer, to) =>
  to.finish(layer, 'top.Elu', {
    inputs: [to.operand(layer)],
    attributes: { alpha: Math.fround(number(message(layer.fields, 'elu_param'), 'alpha', 1)) },
  });

function plain(type: OpType & ('top.Sigmoid' | 'top.Tanh' | 'top.Abs' | 'top.Mish')): LayerConverter {
  return (layer, to) => to.finish(layer, type, { inputs: [to.operand(layer)] });
}

const eltwise: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'eltwise_param');
  const inputs = layer.bottoms.map((_, index) => to.operand(layer, index));
  const [first, ...rest] = inputs.map((input) => to.shape(input).join());
  if (first === undefined || rest.some((shape) => shape !== first))
    refuse(layer, 'bottoms of different shapes', 'equal shapes');
  const operation = choice(parameters, 'operation', OPERATIONS, 'SUM');
  if (operation === 'SUM') {
    const given = numbers(parameters, 'coeff').map(Math.fround);
    if (given.length > 0 && given.length !== inputs.length) refuse(layer, `${given.length} coeff`, 'one per bottom');
    const coeff = given.length > 0 ? given : inputs.map(() => 1);
    return to.finish(layer, 'top.Add', { inputs, attributes: { coeff } });
  }
  const type = operation === 'PROD' ? 'top.Mul' : operation === 'MAX' ? 'top.Max' : 'top.Min';
  return to.finish(layer, type, { inputs });
};

const softmax: LayerConverter = (layer, to) =>
  to.finish(layer, 'top.Softmax', {
    inputs: [to.operand(layer)],
    attributes: { axis: integer(message(layer.fields, 'softmax_param'), 'axis', 1) },
  });

export const elementwiseLayers = {
  ReLU: relu,
  ReLU6: relu6,
  PReLU: prelu,
  ELU: elu,
  Sigmoid: plain('top.Sigmoid'),
  TanH: plain('top.Tanh'),
  AbsVal: plain('top.Abs'),
  Mish: plain('top.Mish'),
  Eltwise: eltwise,
  Softmax: softmax,
};
