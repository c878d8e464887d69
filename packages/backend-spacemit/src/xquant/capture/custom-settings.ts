import { type Emit, type Graph, type Issue, type Op, QError } from '@q/ir';
import type { CustomSetting } from '../config/settings.ts';
import { nearestTensor, tensorOf, valueNamed } from '../prepare/read-model.ts';

/** A setting and the operators it is for. */
export interface Captured {
  readonly setting: CustomSetting;
  readonly ops: ReadonlySet<Op>;
}

/**
 * The subgraphs of `custom_setting` (spacemit.md 9.3): everything downstream of the input tensors, up to the output tensors.
 * A branch that no output name cuts leaks to the end of the graph, as in the original; it is reported, and refused when
 * `strict`.
 *
 * @throws QError `xquant.capture.unknown`, `.unset`, `.leak`
 */
export function captureSubgraphs(
  graph: Graph,
  settings: readonly CustomSetting[],
  { strict, emit }: { readonly strict: boolean; readonly emit: Emit },
): Captured[] {
  return settings.map((setting, index) => {
    const where = `quantization_parameters.custom_setting[${index}]`;
    const [inputs, outputs] = [resolved(graph, setting.inputNames, where), resolved(graph, setting.outputNames, where)];
    const starts = inputs.filter((name) => graph.values.has(name));
    if (starts.length === 0 || outputs.length === 0) {
      throw new QError('input_names and output_names should be set.', {
        code: 'xquant.capture.unset',
        where,
        expected: 'at least one activation in each list',
      });
    }
    const ops = downstream(graph, starts, new Set(outputs));
    reportLeaks(graph, ops, { outputs: new Set(outputs), where, strict, emit });
    return { setting, ops };
  });
}

function resolved(graph: Graph, names: readonly string[], where: string): string[] {
  const issues: Issue[] = [];
  const values = names.map((name) => {
    const value = valueNamed(graph, name) ?? (graph.weights.has(name) ? name : undefined);
    if (value === undefined) {
      const suggestion = nearestTensor(graph, name);
      issues.push({
        code: 'xquant.capture.unknown',
        where,
        found: name,
        expected: 'a tensor of the simplified graph',
        ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
      });
    }
    return value ?? name;
  });
  if (issues.length > 0) throw new QError(`var name ${issues[0]!.found} not in the graph.`, issues[0]!, { issues });
  return values;
}

function downstream(graph: Graph, starts: readonly string[], outputs: ReadonlySet<string>): Set<Op> {
  const readers = new Map<string, Op[]>();
  for (const op of graph.ops)
    for (const name of op.inputs) if (name !== null) readers.set(name, [...(readers.get(name) ?? []), op]);
  const found = new Set<Op>();
  const waiting = [...starts];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    for (const op of readers.get(name) ?? []) {
      if (found.has(op)) continue;
      found.add(op);
      for (const output of op.outputs) if (output !== null && !outputs.has(output)) waiting.push(output);
    }
  }
  return found;
}

interface LeakOptions {
  readonly outputs: ReadonlySet<string>;
  readonly where: string;
  readonly strict: boolean;
  readonly emit: Emit;
}

/** Captured operators that no named output depends on. */
function reportLeaks(graph: Graph, ops: ReadonlySet<Op>, { outputs, where, strict, emit }: LeakOptions): void {
  const needed = new Set(outputs);
  const leaking: Op[] = [];
  for (const op of graph.ops.toReversed()) {
    if (op.outputs.some((name) => name !== null && needed.has(name))) {
      for (const name of op.inputs) if (name !== null) needed.add(name);
    } else if (ops.has(op)) leaking.push(op);
  }
  if (leaking.length === 0) return;
  const first = tensorOf(graph, leaking.at(-1)!.name);
  const message = `${leaking.length} operator(s) are captured that no output name depends on, the first makes ${first}`;
  const issue = {
    code: 'xquant.capture.leak',
    where,
    found: leaking
      .slice(0, 8)
      .map(({ name }) => tensorOf(graph, name))
      .join(', '),
    expected: 'output_names that cut every branch',
    hint: 'add the tensor before the branch to output_names',
  };
  if (strict) throw new QError(message, issue);
  emit({ type: 'warning', code: issue.code, where, message: `${message}; ${issue.hint}` });
}
