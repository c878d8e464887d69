import type { DType } from '../dtype.ts';
import { type Issue, QError } from '../errors.ts';
import { type Graph, inputsOf, type KnownOp, type Op } from '../graph.ts';
import { isKnown } from './working-graph.ts';

/** Which inputs or outputs lose their cast: all, or those at these positions (counted from 1, as the flags count). */
export type Boundary = 'all' | readonly number[];

export interface StripRequest {
  /** `--quant_input`, `--quant_input_list` */
  readonly inputs?: Boundary;
  /** `--quant_output`, `--quant_output_list` */
  readonly outputs?: Boundary;
}

/**
 * Takes the casts off the boundary of a lowered graph: the caller then supplies codes, or receives them (cli.md 6.1). An
 * input keeps its name and takes the cast's type; an output becomes what the cast was made of. A boundary without a
 * cast of its own (a float layer, an input that several operators read as float) stays as it is.
 *
 * @throws QError `lower.boundary` for positions that the network does not have
 */
export function stripIoCasts(lowered: Graph, request: StripRequest): Graph {
  const inputNames = inputsOf(lowered).map((op) => op.name);
  const issues: Issue[] = [
    ...missing(request.inputs, inputNames.length, 'input'),
    ...missing(request.outputs, lowered.outputs.length, 'output'),
  ];
  if (issues.length > 0) throw new QError('the network has no such input or output', issues[0]!, { issues });
  const withInputs = inputNames
    .filter((_, at) => isChosen(request.inputs, at))
    .reduce((graph, name) => stripInput(graph, name), lowered);
  return stripOutputs(withInputs, request.outputs);
}

function missing(boundary: Boundary | undefined, count: number, what: string): Issue[] {
  if (boundary === undefined || boundary === 'all') return [];
  return boundary
    .filter((position) => position > count || position < 1)
    .map((position) => ({
      code: 'lower.boundary',
      where: `${what} ${position}`,
      found: String(position),
      expected: `1 to ${count}`,
    }));
}

function isChosen(boundary: Boundary | undefined, at: number): boolean {
  return boundary !== undefined && (boundary === 'all' || boundary.includes(at + 1));
}

/** The operators that convert between types at a boundary. */
function isCast(op: Op): op is KnownOp {
  return (
    isKnown(op) && (op.type === 'tpu.Cast' || (op.type === 'tpu.GenericCpu' && op.attributes.cpuOpName === 'quant'))
  );
}

function stripInput(graph: Graph, input: string): Graph {
  const readers = graph.ops.filter((op) => op.inputs.includes(input));
  const [cast] = readers;
  if (readers.length !== 1 || cast === undefined || !isCast(cast) || graph.outputs.includes(cast.name)) return graph;
  const type = graph.values.get(cast.name)!;
  const values = new Map(graph.values);
  values.delete(cast.name);
  values.set(input, type);
  const argumentTypes = new Map<string, DType>(graph.argumentTypes);
  argumentTypes.delete(input);
  const ops = graph.ops.filter((op) => op !== cast).map((op) => renamedOperand(op, cast.name, input));
  const { argumentTypes: _given, ...rest } = graph;
  return { ...rest, ops, values, ...(argumentTypes.size === 0 ? {} : { argumentTypes }) };
}

function renamedOperand(op: Op, from: string, to: string): Op {
  if (!op.inputs.includes(from)) return op;
  return { ...op, inputs: op.inputs.map((name) => (name === from ? to : name)) };
}

function stripOutputs(graph: Graph, boundary: Boundary | undefined): Graph {
  const dropped = new Set<Op>();
  const outputs = graph.outputs.map((name, at) => {
    if (!isChosen(boundary, at)) return name;
    const cast = graph.ops.find((op) => op.outputs.includes(name));
    const isRead = graph.ops.some((op) => op.inputs.includes(name));
    if (cast === undefined || !isCast(cast) || isRead) return name;
    dropped.add(cast);
    return cast.inputs[0] ?? name;
  });
  const values = new Map([...graph.values].filter(([name]) => ![...dropped].some((op) => op.outputs.includes(name))));
  return { ...graph, ops: graph.ops.filter((op) => !dropped.has(op)), values, outputs };
}
