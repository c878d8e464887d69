import type { AttributeSchema } from './attribute-schema.ts';
import { byteLengthOf, elementCount } from './dtype.ts';
import { type Issue, isQError } from './errors.ts';
import { type Graph, type KnownOp, type Op, typeOf } from './graph.ts';
import { operatorTable } from './operators/index.ts';
import type { OperatorRow } from './operators/row.ts';
import { applyShapeRule, decidesStorage } from './passes/infer-shapes.ts';
import type { TensorType } from './tensor-type.ts';

/**
 * Everything that is wrong with a graph, in one list; empty when it is well formed. Codes: `graph.duplicate-name`,
 * `graph.unknown-operand`, `graph.order`, `graph.arity`, `graph.attribute`, `graph.type`, `graph.output`, `graph.weight`.
 */
export function verify(graph: Graph): Issue[] {
  return [
    ...duplicateNames(graph),
    ...operandIssues(graph),
    ...graph.ops.flatMap((op) => (op.type === 'unknown' ? [] : [...arityIssues(op), ...attributeIssues(op)])),
    ...typeIssues(graph),
    ...outputIssues(graph),
    ...weightIssues(graph),
  ];
}

const resultsOf = (op: Op): string[] => op.outputs.filter((output) => output !== null);

function duplicateNames(graph: Graph): Issue[] {
  const seen = new Set<string>();
  return graph.ops.flatMap((op) =>
    resultsOf(op).flatMap((name): Issue[] => {
      const repeated = seen.has(name) || graph.weights.has(name);
      seen.add(name);
      return repeated ? [{ code: 'graph.duplicate-name', where: op.name, found: name, expected: 'a unique name' }] : [];
    }),
  );
}

function operandIssues(graph: Graph): Issue[] {
  const all = new Set(graph.ops.flatMap(resultsOf));
  const made = new Set(graph.weights.keys());
  return graph.ops.flatMap((op, index) => {
    const lateInput =
      op.type === 'top.Input' && graph.ops[index - 1] !== undefined && graph.ops[index - 1]!.type !== 'top.Input';
    const issues: Issue[] = lateInput
      ? [{ code: 'graph.order', where: op.name, found: 'an input after other operators', expected: 'inputs first' }]
      : [];
    for (const input of op.inputs) {
      if (input === null || made.has(input)) continue;
      const code = all.has(input) ? 'graph.order' : 'graph.unknown-operand';
      issues.push({ code, where: op.name, found: input, expected: 'a value made before it is read' });
    }
    for (const output of resultsOf(op)) made.add(output);
    return issues;
  });
}

/** Checks a list against `['input', 'filter', 'bias?']` or `['inputs...']`. */
function fitsSignature(given: readonly (string | null)[], signature: readonly string[]): boolean {
  const variadic = signature.at(-1)?.endsWith('...') ?? false;
  if (given.length > signature.length && !variadic) return false;
  return signature.every((name, index) => name.endsWith('?') || (given[index] ?? null) !== null);
}

function arityIssues(op: KnownOp): Issue[] {
  const row = operatorTable[op.type];
  const lists = [
    ['operands', op.inputs, row.operands],
    ['results', op.outputs, row.results ?? ['output']],
  ] as const;
  return lists.flatMap(([what, given, signature]): Issue[] =>
    signature === undefined || fitsSignature(given, signature)
      ? []
      : [
          {
            code: 'graph.arity',
            where: op.name,
            found: `${given.length} ${what}: ${given.map((name) => name ?? 'none').join(', ')}`,
            expected: `${op.type} ${what} (${signature.join(', ')})`,
          },
        ],
  );
}

function attributeIssues(op: KnownOp): Issue[] {
  const schema: AttributeSchema = operatorTable[op.type].attributes;
  const given = op.attributes as Readonly<Record<string, unknown>>;
  return Object.entries(schema)
    .filter(([key, spec]) => !spec.optional && given[key] === undefined)
    .map(([, spec]) => ({
      code: 'graph.attribute',
      where: op.name,
      found: 'nothing',
      expected: `attribute ${spec.mlir}`,
    }));
}

const text = (type: TensorType | null | undefined) =>
  type == null ? 'none' : `[${type.shape.join(',')}] ${type.dtype}`;

/** Shapes must agree; element types only where a lowering has not decided them. */
function agrees(op: KnownOp, known: TensorType, inferred: TensorType): boolean {
  const sameShape =
    known.shape.length === inferred.shape.length && known.shape.every((dim, axis) => dim === inferred.shape[axis]);
  const isDecided = op.type.startsWith('tpu.') || known.quantization !== undefined || decidesStorage(op);
  return sameShape && (isDecided || known.dtype === inferred.dtype);
}

function typeIssues(graph: Graph): Issue[] {
  return graph.ops.flatMap((op) => {
    const untyped = resultsOf(op)
      .filter((name) => !graph.values.has(name))
      .map((name): Issue => ({ code: 'graph.type', where: op.name, found: `no type for ${name}`, expected: 'a type' }));
    return [...untyped, ...ruleIssues(graph, op)];
  });
}

function ruleIssues(graph: Graph, op: Op): Issue[] {
  if (op.type === 'unknown' || op.type === 'top.Input') return [];
  const operandsKnown = op.inputs.every(
    (input) => input === null || graph.values.has(input) || graph.weights.has(input),
  );
  const row: OperatorRow = operatorTable[op.type];
  if (isFreeReshape(graph, op)) return [];
  if (!operandsKnown || (row.operands !== undefined && !fitsSignature(op.inputs, row.operands))) return [];
  try {
    const { outputs } = applyShapeRule(graph, op);
    return op.outputs.flatMap((name, index): Issue[] => {
      const [known, inferred] = [name === null ? undefined : graph.values.get(name), outputs[index]];
      if (known === undefined || (inferred != null && agrees(op, known, inferred))) return [];
      return [{ code: 'graph.type', where: op.name, found: text(known), expected: text(inferred) }];
    });
  } catch (error) {
    if (!isQError(error)) throw error;
    return [...error.issues];
  }
}

/** A lowered Reshape may leave its target to the type of its result; then only the number of elements is bound. */
function isFreeReshape(graph: Graph, op: KnownOp): boolean {
  if (op.type !== 'tpu.Reshape' || op.attributes.shape?.length !== 0) return false;
  const [input, output] = [op.inputs[0], op.outputs[0]].map((name) => (name == null ? undefined : typeOf(graph, name)));
  return input !== undefined && output !== undefined && elementCount(input.shape) === elementCount(output.shape);
}

function outputIssues(graph: Graph): Issue[] {
  const made = new Set(graph.ops.flatMap(resultsOf));
  return graph.outputs
    .filter((name) => !made.has(name))
    .map((name) => ({ code: 'graph.output', where: 'outputs', found: name, expected: 'the name of a value' }));
}

function weightIssues(graph: Graph): Issue[] {
  return [...graph.weights].flatMap(([name, { type, data }]): Issue[] => {
    const expected = byteLengthOf(type.dtype, elementCount(type.shape));
    if (data.byteLength === expected) return [];
    return [
      {
        code: 'graph.weight',
        where: name,
        found: `${data.byteLength} bytes`,
        expected: `${expected} bytes for ${text(type)}`,
      },
    ];
  });
}
