import { elementCount } from '../../dtype.ts';
import { floatAttribute, intAttribute, intsAttribute } from '../onnx-graph.ts';
import { type Expander, type Expansion, float, int } from './expansion.ts';

const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);

/** (x − mean) / √(variance + ε) · gamma + beta with everything of rank of x. */
function normalise(
  to: Expansion,
  x: string,
  { mean, variance, epsilon }: { mean: string; variance: string; epsilon: number },
): string {
  const deviation = to.add('Sqrt', [to.add('Add', [variance, to.floats(epsilon)])]);
  return to.add('Div', [to.add('Sub', [x, mean]), deviation]);
}

/** Parameters that the graph computes, and training mode (statistics of the batch, running averages as further results). */
const batchNormalization: Expander = (node, to) => {
  const training = intAttribute(node, 'training_mode', 0) !== 0 && to.opset >= 14;
  const parameters = node.inputs.slice(1, 5);
  if (!training && parameters.every((input) => to.constant(input) !== undefined)) return;
  const x = to.input(0);
  const shape = to.shape(x);
  const perChannel = shape.map((dim, axis) => (axis === 1 ? dim : 1));
  const column = (tensor: string) => to.reshape(tensor, perChannel);
  const [scale, bias, mean, variance] = parameters as [string, string, string, string];
  const others = shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const statistics = training ? batchStatistics(to, x, others) : { mean: column(mean), variance: column(variance) };
  const normal = normalise(to, x, { ...statistics, epsilon: floatAttribute(node, 'epsilon', 1e-5) });
  to.finish('Add', [to.add('Mul', [normal, column(scale)]), column(bias)]);
  if (!training) return;
  const momentum = floatAttribute(node, 'momentum', Math.fround(0.9));
  [mean, variance].forEach((running, index) => {
    const current = to.reshape(index === 0 ? statistics.mean : statistics.variance, [shape[1]!]);
    const kept = to.add('Mul', [running, to.floats(momentum)]);
    to.finish('Add', [kept, to.add('Mul', [current, to.floats(1 - momentum)])], {}, index + 1);
  });
};

function batchStatistics(to: Expansion, x: string, axes: readonly number[]) {
  const mean = to.reduce('ReduceMean', x, axes);
  const centred = to.add('Sub', [x, mean]);
  return { mean, variance: to.reduce('ReduceMean', to.add('Mul', [centred, centred]), axes) };
}

/** Mean and inverse deviation as further results, and weights that are smaller than what is normalised. */
const layerNormalization: Expander = (node, to) => {
  const shape = to.shape(to.input(0));
  const axis = intAttribute(node, 'axis', -1);
  const front = axis < 0 ? axis + shape.length : axis;
  const size = elementCount(shape.slice(front));
  const fits = [1, 2].every((index) => !to.has(index) || elementCount(to.shape(to.input(index))) === size);
  const more = to.wants(1) || to.wants(2);
  if (fits && !more) return;
  const attributes = { axis: int(axis), epsilon: float(floatAttribute(node, 'epsilon', 1e-5)) };
  if (fits) to.finish('LayerNormalization', node.inputs, attributes);
  else {
    const plain = to.add('LayerNormalization', [to.input(0)], attributes);
    const scaled = to.has(1) ? [plain, to.input(1)] : [plain, to.floats(1)];
    if (to.has(2)) to.finish('Add', [to.add('Mul', scaled), to.input(2)]);
    else to.finish('Mul', scaled);
  }
  if (!more) return;
  const statistics = batchStatistics(to, to.input(0), range(front, shape.length));
  to.finish('Identity', [statistics.mean], {}, 1);
  const deviation = to.add('Sqrt', [
    to.add('Add', [statistics.variance, to.floats(floatAttribute(node, 'epsilon', 1e-5))]),
  ]);
  to.finish('Reciprocal', [deviation], {}, 2);
};

/** x / √(mean x² + ε) · scale over the dimensions from `axis` on; over the last one it is an operator of Top. */
const rmsNormalization: Expander = (node, to) => {
  const shape = to.shape(to.input(0));
  const axis = intAttribute(node, 'axis', -1);
  const front = axis < 0 ? axis + shape.length : axis;
  const x = to.input(0);
  if (front === shape.length - 1 && elementCount(to.shape(to.input(1))) === shape.at(-1)) {
    to.finish('RMSNorm', [x, to.input(1)], { epsilon: float(floatAttribute(node, 'epsilon', 1e-5)) });
    return;
  }
  const square = to.reduce('ReduceMean', to.add('Mul', [x, x]), range(front, shape.length));
  const root = to.add('Sqrt', [to.add('Add', [square, to.floats(floatAttribute(node, 'epsilon', 1e-5))])]);
  to.finish('Mul', [to.add('Div', [x, root]), to.input(1)]);
};

/** (x − mean) / √(mean x² − mean²) over the given axes. */
const meanVariance: Expander = (node, to) => {
  const rank = to.shape(to.input(0)).length;
  const axes = (intsAttribute(node, 'axes') ?? [0, 2, 3]).map((axis) => (axis < 0 ? axis + rank : axis));
  const { mean, variance } = batchStatistics(to, to.input(0), axes);
  const deviation = to.add('Add', [to.add('Sqrt', [variance]), to.floats(1e-9)]);
  to.finish('Div', [to.add('Sub', [to.input(0), mean]), deviation]);
};

/** x / ‖x‖ along an axis; 0 where the norm is. */
const lpNormalization: Expander = (node, to) => {
  const rank = to.shape(to.input(0)).length;
  const axis = intAttribute(node, 'axis', -1);
  const mode = intAttribute(node, 'p', 2) === 1 ? 'ReduceL1' : 'ReduceL2';
  const norm = to.reduce(mode, to.input(0), [axis < 0 ? axis + rank : axis]);
  const isZero = to.add('Equal', [norm, to.floats(0)]);
  const divisor = to.add('Where', [isZero, to.floats(1), norm]);
  to.finish('Div', [to.input(0), divisor]);
};

/** Opset 18 has one scale and bias per group: repeated for the channels of the group. */
const groupNormalization: Expander = (node, to) => {
  const channels = to.shape(to.input(0))[1]!;
  const groups = intAttribute(node, 'num_groups', 1);
  const count = elementCount(to.shape(to.input(1)));
  if (count === channels || count !== groups) return;
  const repeat = (tensor: string) =>
    to.reshape(to.expand(to.reshape(tensor, [groups, 1]), [groups, channels / groups]), [channels]);
  const inputs = [to.input(0), repeat(to.input(1)), repeat(to.input(2))];
  to.finish('GroupNormalization', inputs, Object.fromEntries(node.attributes));
};

export const normalizationExpanders: Readonly<Record<string, Expander>> = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  MeanVarianceNormalization: meanVariance,
  LpNormalization: lpNormalization,
  GroupNormalization: groupNormalization,
};
