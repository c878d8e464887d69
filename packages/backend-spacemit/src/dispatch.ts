import { type Emit, type Graph, type Issue, type KnownOp, type Op, type Plan, QError } from '@q/ir';
import { activationOperands, BOUNDING, COMPUTING, isQuantizable, operandsFit, PASSIVE } from './operators.ts';

/** Which ops run in INT8. */
export type Dispatch = ReadonlySet<Op>;

/**
 * Decides what is quantized (spacemit.md 7.2): from every convolution and matrix product downstream, through operators that
 * have an INT8 form, until one has none. Ops that the plan keeps in F32 are islands: what follows them is still quantized.
 * An op without calibrated ranges stays float, with a warning.
 *
 * @throws QError `spacemit.plan.precision` with every op whose precision is neither INT8 nor F32
 */
export function dispatch(graph: Graph, plan: Plan, emit?: Emit): Dispatch {
  checkPrecisions(graph, plan);
  return chooseQuantized(graph, {
    staysFloat: (op) => precisionOf(op, plan) !== 'INT8',
    accepts(op, chosen, producers) {
      const missing = uncalibrated(op, graph, plan, chosen, producers);
      if (missing.length === 0) return true;
      emit?.({
        type: 'warning',
        code: 'spacemit.uncalibrated',
        message: `${op.name} stays float: no range for ${missing.join(', ')}`,
        where: op.name,
      });
      return false;
    },
  });
}

export type Producers = ReadonlyMap<string | null, Op>;

/** Who may keep an op float that could be quantized. */
export interface Choice {
  staysFloat(op: Op): boolean;
  /** Operators that quantization does not pass: those behind them need a computing operator of their own. */
  blocks?(op: Op): boolean;
  /** Asked in graph order, for ops that have come this far. */
  accepts?(op: KnownOp, chosen: Dispatch, producers: Producers): boolean;
}

/** The ops that run in INT8: those that dispatch reaches, unless something keeps them float. */
export function chooseQuantized(graph: Graph, { staysFloat, blocks, accepts = () => true }: Choice): Dispatch {
  const reached = downstream(graph, blocks);
  const producers: Producers = new Map(graph.ops.flatMap((op) => op.outputs.map((name) => [name, op] as const)));
  const chosen = new Set<Op>();
  for (const op of graph.ops) {
    if (!reached.has(op) || staysFloat(op)) continue;
    const producer = producers.get(op.inputs[0] ?? null);
    // Bounds and passive operators live on the codes of what is in front of them.
    if ((PASSIVE.has(op.type) || BOUNDING.has(op.type)) && !(producer && chosen.has(producer))) continue;
    if (accepts(op as KnownOp, chosen, producers)) chosen.add(op);
  }
  return chosen;
}

function precisionOf(op: Op, plan: Plan): string {
  return plan.ops.get(op.name)?.precision ?? plan.precision;
}

function checkPrecisions(graph: Graph, plan: Plan): void {
  const issues = graph.ops.flatMap((op): Issue[] => {
    const precision = precisionOf(op, plan);
    return precision === 'INT8' || precision === 'F32'
      ? []
      : [{ code: 'spacemit.plan.precision', where: op.name, found: precision, expected: 'INT8 or F32' }];
  });
  if (issues.length > 0) {
    throw new QError(
      `SpacemiT models run in INT8 or F32; the plan asks for ${issues[0]!.found} in ${issues.length} op(s).`,
      issues[0]!,
      { issues },
    );
  }
}

/** Ops between a computing op and the first one without an INT8 form. */
function downstream(graph: Graph, blocks: Choice['blocks'] = () => false): Set<Op> {
  const consumers = new Map<string, Op[]>();
  for (const op of graph.ops) {
    for (const name of new Set(op.inputs)) if (name !== null) consumers.set(name, [...(consumers.get(name) ?? []), op]);
  }
  const fits = (op: Op) => isQuantizable(op) && operandsFit(op, graph) && !blocks(op);
  const queue = graph.ops.filter((op) => COMPUTING.has(op.type) && fits(op));
  const reached = new Set<Op>(queue);
  for (let op = queue.pop(); op !== undefined; op = queue.pop()) {
    for (const output of op.outputs) {
      for (const next of output === null ? [] : (consumers.get(output) ?? [])) {
        if (reached.has(next) || !fits(next)) continue;
        reached.add(next);
        queue.push(next);
      }
    }
  }
  return reached;
}

/** Values whose range the op needs and the plan lacks. */
function uncalibrated(
  op: KnownOp,
  graph: Graph,
  plan: Plan,
  chosen: Dispatch,
  producers: ReadonlyMap<string | null, Op>,
): string[] {
  const isKnown = (name: string): boolean => {
    const range = plan.values.get(name);
    return range !== undefined && [range.threshold, range.min, range.max].every(Number.isFinite);
  };
  const inputs = activationOperands(op, graph).filter((name) => {
    const producer = producers.get(name);
    return !(producer && chosen.has(producer)) && !isKnown(name);
  });
  const outputs = PASSIVE.has(op.type)
    ? []
    : op.outputs.filter((name): name is string => name !== null && !isKnown(name));
  return [...inputs, ...outputs];
}
