import { type Graph, nearest, QError } from '@q/ir';

/** A layer whose agreement counts instead of the outputs', and its weight. */
export interface WeightedLayer {
  readonly name: string;
  readonly rate: number;
}

/** Sums of weights as people write them miss 1 by rounding (search.md 13.11). */
const SLACK = 1e-9;

/**
 * `--global_compare_layers`: `a,b` or `a:0.3,b:0.7` (search.md 1.2). A `:` counts only before a number: TensorFlow's names hold
 * some.
 *
 * @throws QError `cli.bad-flag-value` when only some carry a weight, or the weights do not add up to 1
 */
export function readComparedLayers(text: string | undefined): WeightedLayer[] {
  const items = (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .map(splitWeight);
  const weighted = items.filter(({ rate }) => rate !== undefined);
  if (weighted.length > 0 && weighted.length < items.length)
    throw comparedError('format', text!, 'a weight for each layer');
  const sum = weighted.reduce((total, { rate }) => total + rate!, 0);
  if (weighted.length > 0 && Math.abs(sum - 1) > SLACK) throw comparedError('rate', text!, 'weights that add up to 1');
  return items.map(({ name, rate = 1 }) => ({ name, rate }));
}

function splitWeight(item: string): { name: string; rate: number | undefined } {
  const [, name, weight] = /^(.*):\s*(\d*\.?\d+(?:[eE][+-]?\d+)?)$/.exec(item) ?? [];
  // A weight of nothing would be no reason to name the layer: TensorFlow calls tensors `name:0`.
  if (name === undefined || Number(weight) === 0) return { name: item, rate: undefined };
  return { name: name.trim(), rate: Number(weight) };
}

/**
 * Checks that the network has the layers.
 *
 * @throws QError `cli.unknown-layer`: all of them at once, each with the nearest name there is
 */
export function requireLayers(names: readonly string[], graph: Graph, flag: string): void {
  const known = graph.ops.map(({ name }) => name);
  const issues = names
    .filter((name) => !known.includes(name))
    .map((name) => {
      const similar = nearest(name, known);
      return {
        code: 'cli.unknown-layer',
        where: flag,
        found: name,
        ...(similar === undefined ? {} : { hint: `did you mean ${similar}?` }),
      };
    });
  if (issues.length === 0) return;
  const [first] = issues;
  throw new QError(`${flag}: the network has no layer ${issues.map(({ found }) => found).join(', ')}`, first!, {
    issues,
  });
}

function comparedError(what: string, found: string, expected: string): QError {
  return new QError(`global_compare_layers ${what} error`, {
    code: 'cli.bad-flag-value',
    where: '--global_compare_layers',
    found,
    expected,
  });
}
