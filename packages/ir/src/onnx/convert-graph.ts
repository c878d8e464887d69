import { type Issue, isQError, QError } from '../errors.ts';
import type { Emit } from '../events.ts';
import { Conversion, unsupported } from './convert/conversion.ts';
import { converters } from './convert/index.ts';
import type { OnnxGraph, OnnxNode, OnnxType } from './onnx-graph.ts';
import { elementTypeOfResult, rankOfResult } from './result-type.ts';

/** Converts every node it can; nodes without converter and nodes that fail are reported, their readers skipped. */
function convertNodes(graph: OnnxGraph, onFailure: (node: OnnxNode, error: unknown) => void, emit?: Emit): Conversion {
  const conversion = new Conversion(graph, emit);
  for (const { name, shape, elementType, isScalar } of graph.inputs) {
    conversion.values.set(name, name);
    conversion.builder.values.set(name, { shape, dtype: 'f32' });
    conversion.types.set(name, { shape: isScalar ? [] : shape, elementType });
  }
  const failed = new Set<string>();
  for (const node of graph.nodes) {
    const converter = converters.get(node.opType);
    const lost = node.inputs.some((input) => failed.has(input));
    try {
      if (converter !== undefined && !lost) {
        converter(node, conversion);
        checkOutputs(node, conversion);
        recordTypes(node, conversion);
        continue;
      }
    } catch (error) {
      onFailure(node, error);
    }
    for (const output of node.outputs) failed.add(output);
  }
  return conversion;
}

/** Optional outputs that no Top operator has (the mean of a normalisation, the indices of a pool) must not be read. */
function checkOutputs(node: OnnxNode, conversion: Conversion): void {
  const missing = node.outputs.find((output) => conversion.isRead(output) && !conversion.values.has(output));
  if (missing !== undefined)
    throw unsupported(node, `a used output ${missing}`, 'only the outputs that Top operators have');
}

/** The ONNX types of a converted node's outputs: Top's shapes with rank 0 put back, and the element type. */
function recordTypes(node: OnnxNode, conversion: Conversion): void {
  node.outputs.forEach((output, index) => {
    const value = conversion.values.get(output);
    if (value === undefined) return;
    const { shape } = conversion.builder.typeOf(value);
    const isScalar = shape.length === 1 && shape[0] === 1 && rankOfResult(node, conversion) === 0;
    conversion.types.set(output, {
      shape: isScalar ? [] : shape,
      elementType: elementTypeOfResult(node, index, conversion),
    });
  });
}

/**
 * Types of all values that can be known, by converting the graph and forgetting the result: the converters and the
 * operator rows are the only place that knows shapes.
 */
export function inferTypes(graph: OnnxGraph): ReadonlyMap<string, OnnxType> {
  return convertNodes(graph, () => {}).types;
}

/**
 * Converts the whole graph. Throws one `onnx.unsupported-operator` that names every operator type without converter with its
 * nodes, or one error with everything else that went wrong.
 */
export function convertGraph(graph: OnnxGraph, emit?: Emit): Conversion {
  const unknown = unsupportedOperators(graph);
  if (unknown.length > 0) throw unsupportedError(unknown);
  const issues: Issue[] = [];
  let cause: unknown;
  const conversion = convertNodes(
    graph,
    (node, error) => {
      const failure = isQError(error) ? error : malformed(node, error);
      cause ??= failure;
      const where = `${node.opType} node ${node.name || node.outputs[0]}`;
      issues.push(
        ...failure.issues.map((issue) => ({
          ...issue,
          where: issue.where === undefined ? where : `${where} (${issue.where})`,
        })),
      );
    },
    emit,
  );
  if (issues.length > 0) {
    const first = cause as QError;
    const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
    throw new QError(`${issues[0]!.where}: ${first.message}${more}`, issues[0]!, { cause, issues });
  }
  return conversion;
}

/** A node that breaks a converter lacks something that ONNX requires of its type. */
function malformed(node: OnnxNode, cause: unknown): QError {
  const found = cause instanceof Error ? cause.message : String(cause);
  const issue = { code: 'onnx.malformed-node', found, expected: `inputs and attributes of ${node.opType}` };
  return new QError('a required input or attribute is missing or has the wrong type.', issue, { cause });
}

/** Node names by operator type, for types that no converter exists for. */
function unsupportedOperators(graph: OnnxGraph): [string, string[]][] {
  const found = new Map<string, string[]>();
  for (const node of graph.nodes) {
    if (converters.has(node.opType)) continue;
    found.set(node.opType, [...(found.get(node.opType) ?? []), node.name || node.outputs[0] || '?']);
  }
  return [...found];
}

function unsupportedError(unknown: readonly (readonly [string, readonly string[]])[]): QError {
  const issues = unknown.map(
    ([type, nodes]): Issue => ({
      code: 'onnx.unsupported-operator',
      where: nodes.join(', '),
      found: type,
      expected: 'an operator that can be imported',
    }),
  );
  const list = unknown.map(([type, nodes]) => `${type} (${nodes.join(', ')})`).join('; ');
  return new QError(`The model has operators that are not supported: ${list}.`, issues[0]!, { issues });
}
