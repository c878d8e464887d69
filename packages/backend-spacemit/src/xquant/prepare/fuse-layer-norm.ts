import type { Op } from '@q/ir';
import type { Rewriting } from './rewriting.ts';

/** What a matcher has found on its way up from the last operator. */
interface Found {
  readonly ops: Set<Op>;
  readonly x: string;
  readonly gamma: string | null;
  readonly beta: string | null;
  readonly eps: number;
}

/**
 * Layer normalisation over the last dimension that is spelled out in simple operators becomes one (spacemit.md 6.2), under the
 * name of the last of them: `(x − mean) · r · γ + β` with r = 1 / √(mean((x − mean)²) + ε), and the form of converters from
 * TensorFlow, `x · (r · γ) + (β − mean · (r · γ))`.
 */
export function fuseLayerNorm(graph: Rewriting): boolean {
  return graph.sweep((op) => {
    if (op.type !== 'top.Add' || op.inputs.length !== 2) return false;
    const found = factored(op, graph) ?? centred(op, graph);
    if (found === undefined || !isClosed(found.ops, op, graph)) return false;
    const size = graph.shape(found.x).at(-1)!;
    const affine = [found.gamma, found.beta].map((name, k) => {
      const data = graph.data(name);
      return data === undefined ? null : graph.addWeight(`${op.name}_${k === 0 ? 'scale' : 'bias'}`, [size], data);
    });
    const axis = graph.shape(found.x).length - 1;
    const fused = graph.make('top.LayerNorm', op.name, [found.x, ...affine], {
      normalizedShape: [],
      axis,
      eps: found.eps,
    });
    for (const other of found.ops) if (other !== op) graph.replace(other);
    graph.replace(op, fused);
    return true;
  });
}

/** x · g + (β − mean · g). */
function factored(op: Op, graph: Rewriting): Found | undefined {
  for (const [left, right] of orders(op)) {
    const [product, shift] = [graph.producer(left), graph.producer(right)];
    if (product?.type !== 'top.Mul' || shift?.type !== 'top.Sub' || graph.data(shift.inputs[0]) === undefined) continue;
    const shifted = graph.producer(shift.inputs[1]);
    if (shifted?.type !== 'top.Mul') continue;
    for (const [x, g] of orders(product)) {
      const [mean, same] = orders(shifted).find(([, other]) => other === g) ?? [];
      const inverse = graph.producer(g);
      if (same === undefined || inverse?.type !== 'top.Mul') continue;
      const gamma = inverse.inputs.find((name) => isVector(name, x!, graph));
      const root = inverse.inputs.find((name) => name !== gamma);
      const spread = gamma == null ? undefined : deviation(root, x!, graph);
      if (spread === undefined || spread.mean !== mean) continue;
      if (!isVector(shift.inputs[0], x!, graph)) continue;
      const ops = new Set([op, product, shift, shifted, inverse, ...spread.ops]);
      return { ops, x: x!, gamma: gamma!, beta: shift.inputs[0]!, eps: spread.eps };
    }
  }
  return undefined;
}

/** ((x − mean) · r) · γ + β, with a division in place of the product with r if the file has one. */
function centred(op: Op, graph: Rewriting): Found | undefined {
  const beta = op.inputs.find((name) => graph.data(name) !== undefined);
  const scaled = graph.producer(op.inputs.find((name) => name !== beta));
  if (beta == null || scaled?.type !== 'top.Mul') return undefined;
  const gamma = scaled.inputs.find((name) => graph.data(name) !== undefined);
  const normal = graph.producer(scaled.inputs.find((name) => name !== gamma));
  if (gamma == null || (normal?.type !== 'top.Mul' && normal?.type !== 'top.Div')) return undefined;
  for (const [difference, divisor] of normal.type === 'top.Div' ? orders(normal).slice(0, 1) : orders(normal)) {
    const centre = graph.producer(difference);
    const x = centre?.type === 'top.Sub' ? centre.inputs[0] : undefined;
    if (x == null || !isVector(gamma, x, graph) || !isVector(beta, x, graph)) continue;
    const spread = normal.type === 'top.Div' ? root(divisor, x, graph) : deviation(divisor, x, graph);
    if (spread === undefined || !spread.ops.includes(centre!)) continue;
    return { ops: new Set([op, scaled, normal, ...spread.ops]), x, gamma, beta, eps: spread.eps };
  }
  return undefined;
}

interface Spread {
  readonly ops: readonly Op[];
  readonly mean: string;
  readonly eps: number;
}

/** 1 / √(variance + ε). */
function deviation(name: string | null | undefined, x: string, graph: Rewriting): Spread | undefined {
  const reciprocal = graph.producer(name);
  if (reciprocal?.type !== 'top.Reciprocal' || reciprocal.attributes.constVal !== 1) return undefined;
  const spread = root(reciprocal.inputs[0], x, graph);
  return spread && { ...spread, ops: [reciprocal, ...spread.ops] };
}

/** √(mean((x − mean)²) + ε). */
function root(name: string | null | undefined, x: string, graph: Rewriting): Spread | undefined {
  const sqrt = graph.producer(name);
  const sum = sqrt?.type === 'top.Sqrt' ? graph.producer(sqrt.inputs[0]) : undefined;
  const variance = graph.producer(sum?.inputs.find((input) => input !== null && graph.values.has(input)));
  const square = isMeanOfRows(variance, graph) ? graph.producer(variance!.inputs[0]) : undefined;
  if (square?.type !== 'top.Mul' || square.inputs[0] !== square.inputs[1]) return undefined;
  const centre = graph.producer(square.inputs[0]);
  if (centre?.type !== 'top.Sub' || centre.inputs[0] !== x) return undefined;
  const mean = graph.producer(centre.inputs[1]);
  const eps = epsilonOf(sum!, graph);
  if (!isMeanOfRows(mean, graph) || mean!.inputs[0] !== x || eps === undefined) return undefined;
  return { ops: [sqrt!, sum!, variance!, square, centre, mean!], mean: mean!.outputs[0]!, eps };
}

function epsilonOf(op: Op, graph: Rewriting): number | undefined {
  if (op.type === 'top.AddConst') return op.attributes.constVal;
  const data = op.type === 'top.Add' ? graph.data(op.inputs.find((name) => graph.data(name) !== undefined)) : undefined;
  return data?.length === 1 ? data[0] : undefined;
}

function isMeanOfRows(op: Op | undefined, graph: Rewriting): boolean {
  if (op?.type !== 'top.Reduce' || op.attributes.mode !== 'ReduceMean') return false;
  return op.attributes.axes.join() === String(graph.shape(op.inputs[0]!).length - 1);
}

function isVector(name: string | null | undefined, x: string, graph: Rewriting): boolean {
  const data = graph.data(name);
  const size = graph.shape(x).at(-1)!;
  return data?.length === size && graph.shape(name!).at(-1) === size;
}

const orders = (op: Op): (readonly [string | null | undefined, string | null | undefined])[] => [
  [op.inputs[0], op.inputs[1]],
  [op.inputs[1], op.inputs[0]],
];

/** Nothing outside reads what would be gone. */
function isClosed(ops: ReadonlySet<Op>, last: Op, graph: Rewriting): boolean {
  return [...ops].every(
    (op) =>
      op === last ||
      op.outputs.every(
        (name) => name === null || (!graph.isOutput(name) && graph.readers(name).every((reader) => ops.has(reader))),
      ),
  );
}
