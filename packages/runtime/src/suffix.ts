import { type Op, QError } from '@q/ir';

/** What a suffix run does at one operator. */
export type SuffixAction =
  | { readonly kind: 'run' }
  /** Results are not computed but copied from what the caller saved. */
  | { readonly kind: 'load'; readonly values: readonly string[] };

export interface SuffixRequest {
  /** Index of the op from which on values change. */
  readonly from: number;
  readonly saved: ReadonlySet<string>;
  readonly overridden: ReadonlySet<string>;
  /** Values that lie in memory unchanged since a complete run. */
  readonly resident: ReadonlySet<string>;
  /** Retained values that an earlier suffix run has changed: they are computed again, wherever their op is. */
  readonly stale: ReadonlySet<string>;
  /** Values that need not come from anywhere: weights, folded constants. */
  readonly constant: ReadonlySet<string>;
  readonly outputs: readonly string[];
}

export interface SuffixPlan {
  /** By index of the op; absent ones are left alone. */
  readonly actions: ReadonlyMap<number, SuffixAction>;
  /** Values that differ from those of a plain run. */
  readonly changed: ReadonlySet<string>;
}

/**
 * Which ops a suffix run must execute: the starting op, everything that depends on it or on an overridden value and leads
 * to an output, and (only when no saved or resident value spares it) side branches behind the starting op.
 *
 * @throws QError `runtime.suffix.missing` naming every value before the starting op that was neither saved nor resident.
 */
export function planSuffix(ops: readonly Op[], request: SuffixRequest): SuffixPlan {
  const changed = changedValues(ops, request);
  const producer = new Map<string, number>();
  ops.forEach((op, at) => {
    for (const name of op.outputs) if (name !== null) producer.set(name, at);
  });
  const actions = new Map<number, SuffixAction>();
  const missing = new Set<string>();
  const wanted = [...request.outputs];
  const seen = new Set<string>();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (seen.has(name) || request.overridden.has(name) || request.constant.has(name)) continue;
    seen.add(name);
    const at = producer.get(name);
    if (at === undefined) continue;
    const isChanged = changed.has(name);
    const isComputable = at >= request.from && ops[at]!.type !== 'top.Input';
    if (!isChanged && request.resident.has(name) && !request.saved.has(name)) continue;
    if (!isChanged && request.saved.has(name)) {
      addLoad(actions, at, name);
    } else if (isChanged || isComputable || request.stale.has(name)) {
      actions.set(at, { kind: 'run' });
      for (const input of ops[at]!.inputs) if (input !== null) wanted.push(input);
    } else {
      missing.add(name);
    }
  }
  if (missing.size > 0) throw missingError(ops[request.from]!, [...missing].sort());
  return { actions, changed };
}

/** Values computed before op `from` that a suffix run from there reads. */
export function suffixInputs(ops: readonly Op[], from: number, constant: ReadonlySet<string>): string[] {
  const read = new Set(ops.slice(from).flatMap((op) => op.inputs));
  const before = ops.slice(0, from).flatMap((op) => op.outputs);
  return before.filter((name): name is string => name !== null && read.has(name) && !constant.has(name));
}

function changedValues(ops: readonly Op[], request: SuffixRequest): Set<string> {
  const changed = new Set(request.overridden);
  ops.forEach((op, at) => {
    const hit = at === request.from || op.inputs.some((name) => name !== null && changed.has(name));
    if (!hit || op.type === 'top.Input') return;
    for (const name of op.outputs) if (name !== null && !request.constant.has(name)) changed.add(name);
  });
  return changed;
}

function addLoad(actions: Map<number, SuffixAction>, at: number, name: string): void {
  const action = actions.get(at);
  if (action?.kind === 'run') return;
  actions.set(at, { kind: 'load', values: [...(action?.values ?? []), name] });
}

function missingError(op: Op, names: readonly string[]): QError {
  const issues = names.map((name) => ({
    code: 'runtime.suffix.missing',
    where: name,
    expected: 'a saved value, or a session that retains it',
  }));
  return new QError(`Running from ${op.name} needs ${names.join(', ')}.`, issues[0]!, { issues });
}
