import { intAttribute, stringAttribute } from '../onnx-graph.ts';
import { type Expander, type Expansion, int } from './expansion.ts';

interface Loss {
  readonly logProbabilities: string;
  readonly labels: string;
  /** Weight of every class; `''`: all count alike. */
  readonly weights: string;
}

/** −log p of each label, weighted; labels equal to `ignore_index` count nothing (ONNX NegativeLogLikelihoodLoss). */
function negativeLogLikelihood(to: Expansion, { logProbabilities, labels, weights }: Loss): void {
  const shape = to.shape(to.input(1));
  const ignored = intAttribute(to.source, 'ignore_index');
  const isIgnored = ignored === undefined ? undefined : to.add('Equal', [labels, to.ints(ignored)]);
  const safe = isIgnored === undefined ? labels : to.add('Where', [isIgnored, to.ints(0), labels]);
  const column = to.reshape(safe, [shape[0]!, 1, ...shape.slice(1)]);
  const picked = to.add('GatherElements', [logProbabilities, column], { axis: int(1) });
  const negative = to.add('Neg', [to.reshape(picked, shape)]);
  const weight = weightOf(to, weights, safe, isIgnored);
  const loss = weight === undefined ? negative : to.add('Mul', [negative, weight]);
  const axes = shape.map((_, axis) => axis);
  const reduction = stringAttribute(to.source, 'reduction', 'mean');
  if (reduction === 'none') to.finish('Identity', [loss]);
  else if (reduction === 'sum') to.finish('Identity', [to.reduce('ReduceSum', loss, axes, false)]);
  else if (weight === undefined) to.finish('Identity', [to.reduce('ReduceMean', loss, axes, false)]);
  else {
    const total = to.expand(weight, shape);
    const sums = [loss, total].map((value) => to.reduce('ReduceSum', value, axes, false));
    to.finish('Div', sums);
  }
}

/** Weight of each label; undefined when all weigh 1. */
function weightOf(to: Expansion, weights: string, labels: string, isIgnored: string | undefined): string | undefined {
  const own = weights === '' ? undefined : to.add('Gather', [weights, labels], { axis: int(0) });
  if (isIgnored === undefined) return own;
  return to.add('Where', [isIgnored, to.floats(0), own ?? to.floats(1)]);
}

const likelihoodLoss: Expander = (_node, to) => {
  const labels = to.cast(to.input(1), 'i64');
  negativeLogLikelihood(to, { logProbabilities: to.input(0), labels, weights: to.input(2) });
};

/** Log-softmax over the classes, then the loss; the log-probabilities are a further result. */
const crossEntropyLoss: Expander = (_node, to) => {
  const scores = to.input(0);
  const centred = to.add('Sub', [scores, to.reduce('ReduceMax', scores, [1])]);
  const total = to.reduce('ReduceSum', to.add('Exp', [centred]), [1]);
  const logProbabilities = to.add('Sub', [centred, to.add('Log', [total])]);
  to.finish('Identity', [logProbabilities], {}, 1);
  negativeLogLikelihood(to, { logProbabilities, labels: to.cast(to.input(1), 'i64'), weights: to.input(2) });
};

export const lossExpanders: Readonly<Record<string, Expander>> = {
  NegativeLogLikelihoodLoss: likelihoodLoss,
  SoftmaxCrossEntropyLoss: crossEntropyLoss,
};
