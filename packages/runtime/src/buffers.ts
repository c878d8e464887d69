import type { Sharing } from './implementation.ts';

/** One operator as the memory plan sees it. */
export interface BufferStep {
  readonly inputs: readonly (string | null)[];
  readonly outputs: readonly (string | null)[];
  readonly sharing: Sharing;
}

export interface BufferRules {
  bytesOf(value: string): number;
  /** Values that live outside the plan: weights and folded constants. */
  readonly external: ReadonlySet<string>;
  /** Values that must stay readable after the run. */
  readonly kept: ReadonlySet<string>;
  /**
   * False: every value keeps a buffer of its own (views excepted, which are the same data), from the first step on: values
   * may be loaded before steps are executed that stand in front of them.
   */
  readonly reuse: boolean;
}

/** Values that occupy the same bytes, one after the other or as views of each other. */
export interface Buffer {
  readonly values: readonly string[];
  readonly bytes: number;
  /** First and last step at which the bytes are needed; `to` is Infinity for what must outlive the run. */
  readonly from: number;
  readonly to: number;
  /** The weight or constant whose memory this is, when it is not of the plan. */
  readonly external?: string;
}

interface Group {
  values: string[];
  bytes: number;
  from: number;
  to: number;
  external?: string;
}

/**
 * Decides which values share a buffer: views always, in-place results when nothing reads the operand (or a view of it)
 * afterwards. Buffers of different values that are never alive together are overlaid later, by `planMemory`.
 */
export function assignBuffers(steps: readonly BufferStep[], rules: BufferRules): Buffer[] {
  const groups = groupViews(steps, rules);
  if (rules.reuse) mergeInPlace(steps, groups, rules);
  return [...new Set(groups.values())];
}

function groupViews(steps: readonly BufferStep[], rules: BufferRules): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const name of rules.external) {
    groups.set(name, { values: [name], bytes: 0, from: 0, to: Number.POSITIVE_INFINITY, external: name });
  }
  steps.forEach((step, at) => {
    for (const input of step.inputs) {
      const group = input === null ? undefined : groups.get(input);
      if (group !== undefined) group.to = Math.max(group.to, at);
    }
    step.outputs.forEach((output, index) => {
      if (output === null || rules.external.has(output)) return;
      const operand = step.sharing.kind === 'view' && index === 0 ? step.inputs[step.sharing.operand] : null;
      const group =
        (operand == null ? undefined : groups.get(operand)) ?? newGroup(rules.bytesOf(output), rules.reuse ? at : 0);
      group.values.push(output);
      group.to = rules.kept.has(output) || !rules.reuse ? Number.POSITIVE_INFINITY : Math.max(group.to, at);
      groups.set(output, group);
    });
  });
  return groups;
}

function mergeInPlace(steps: readonly BufferStep[], groups: Map<string, Group>, rules: BufferRules): void {
  steps.forEach((step, at) => {
    const output = step.outputs[0];
    if (step.sharing.kind !== 'inPlace' || output == null || rules.external.has(output)) return;
    const result = groups.get(output)!;
    for (const index of step.sharing.operands) {
      const operand = step.inputs[index];
      const group = operand == null ? undefined : groups.get(operand);
      if (group === undefined || group === result || group.external !== undefined) continue;
      // This step must be the buffer's last reader, and read it through this operand only.
      if (group.to !== at || !readsOnce(step, operand!, group, groups)) continue;
      if (rules.bytesOf(operand!) !== rules.bytesOf(output) || group.bytes !== result.bytes) continue;
      group.to = Math.max(group.to, result.to);
      group.values.push(...result.values);
      for (const value of result.values) groups.set(value, group);
      return;
    }
  });
}

function readsOnce(step: BufferStep, operand: string, group: Group, groups: Map<string, Group>): boolean {
  return step.inputs.every((name) => name === null || name === operand || groups.get(name) !== group);
}

function newGroup(bytes: number, at: number): Group {
  return { values: [], bytes, from: at, to: at };
}
