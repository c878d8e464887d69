import { type Graph, type Issue, type Op, QError } from '@q/ir';
import { nearestTensor, valueNamed } from '../prepare/read-model.ts';

/** A network cut in two: the head is quantized, the tail stays as it is. */
export interface Truncation {
  readonly head: ReadonlySet<Op>;
  /** Values at the cut. */
  readonly cuts: ReadonlySet<string>;
}

/**
 * Cuts the network at `truncate_var_names` (spacemit.md 9.4): everything in front of these tensors is the head; everything
 * behind, with what else that needs, the tail. The two must be the whole network.
 *
 * @throws QError `xquant.truncate.duplicate`, `.unknown`, `.cut`
 */
export function truncate(graph: Graph, names: readonly string[]): Truncation | undefined {
  if (names.length === 0) return undefined;
  const where = 'quantization_parameters.truncate_var_names';
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  if (twice.length > 0) {
    throw new QError('The incoming truncate_var_names contains duplicate tensor names', {
      code: 'xquant.truncate.duplicate',
      where,
      found: twice.join(', '),
    });
  }
  const cuts = new Set(existing(graph, names, where));
  const head = new Set<Op>();
  const wanted = new Set(cuts);
  for (const op of graph.ops.toReversed()) {
    if (!op.outputs.some((name) => name !== null && wanted.has(name))) continue;
    head.add(op);
    for (const name of op.inputs) if (name !== null) wanted.add(name);
  }
  const tail = tailOf(graph, cuts, head);
  if (head.size + tail.size === graph.ops.length && tail.size > 0) return { head, cuts };
  const rest = graph.ops.filter((op) => !head.has(op) && !tail.has(op));
  throw new QError('truncate graph failed.', {
    code: 'xquant.truncate.cut',
    where,
    found: rest.length > 0 ? `${rest.map(({ name }) => name).join(', ')} is on neither side` : 'nothing behind the cut',
    expected: 'tensors that cut the network in two',
    hint: 'name the output of every branch that crosses the cut',
  });
}

function existing(graph: Graph, names: readonly string[], where: string): string[] {
  const missing = names.filter((name) => valueNamed(graph, name) === undefined);
  if (missing.length === 0) return names.map((name) => valueNamed(graph, name)!);
  const issues = missing.map((found): Issue => {
    const suggestion = nearestTensor(graph, found);
    return {
      code: 'xquant.truncate.unknown',
      where,
      found,
      expected: 'a tensor of the simplified graph',
      ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
    };
  });
  throw new QError(
    `The incoming truncate_var_names contains non-existent tensor names ${missing.join(', ')}`,
    issues[0]!,
    { issues },
  );
}

function tailOf(graph: Graph, cuts: ReadonlySet<string>, head: ReadonlySet<Op>): Set<Op> {
  const reached = new Set(cuts);
  const tail = new Set<Op>();
  for (const op of graph.ops) {
    if (!op.inputs.some((name) => name !== null && reached.has(name))) continue;
    tail.add(op);
    for (const name of op.outputs) if (name !== null) reached.add(name);
  }
  // What the tail needs besides, as long as the head does not make it.
  const needed = new Set([...tail].flatMap(({ inputs }) => inputs));
  for (const op of graph.ops.toReversed()) {
    if (tail.has(op) || head.has(op) || !op.outputs.some((name) => needed.has(name))) continue;
    tail.add(op);
    for (const name of op.inputs) needed.add(name);
  }
  // A head that the tail reaches into is no head.
  return new Set([...tail].filter((op) => !head.has(op)));
}
