import { QError } from '../../errors.ts';
import {
  intAttribute,
  intsAttribute,
  numbersOf,
  type OnnxAttribute,
  type OnnxBody,
  type OnnxNode,
} from '../onnx-graph.ts';
import { type Expander, type Expansion, int, ints, notExpanded } from './expansion.ts';

/** More iterations than this make a graph that nobody can quantize. */
const MAX_ITERATIONS = 4096;

function bodyOf(node: OnnxNode, name: string): OnnxBody {
  const attribute = node.attributes.get(name);
  if (attribute?.kind === 'graph') return attribute.value;
  throw notExpanded(node, `no graph ${name}`, `the attribute ${name}`);
}

/**
 * Copies the nodes of `body` into the expansion, every value of its own under `prefix`; inputs read `given`. Returns what
 * its outputs are called.
 */
function instantiate(body: OnnxBody, given: readonly string[], prefix: string, to: Expansion): string[] {
  const names = new Map(body.inputs.map((name, index) => [name, given[index] ?? ''] as const));
  const own = new Set([...body.constants.keys(), ...body.nodes.flatMap((node) => node.outputs)]);
  const rename = (name: string) =>
    name === '' ? '' : (names.get(name) ?? (own.has(name) ? `${prefix}${name}` : name));
  for (const [name, constant] of body.constants) to.keepAs(`${prefix}${name}`, constant);
  for (const node of body.nodes) to.nodes.push(renamedNode(node, rename));
  return body.outputs.map(rename);
}

function renamedNode(node: OnnxNode, rename: (name: string) => string): OnnxNode {
  const attributes = [...node.attributes].map(([key, attribute]): [string, OnnxAttribute] =>
    attribute.kind === 'graph'
      ? [key, { kind: 'graph', value: renamedBody(attribute.value, rename) }]
      : [key, attribute],
  );
  return {
    ...node,
    name: rename(node.name) || node.name,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes: new Map(attributes),
  };
}

/** A body inside a body: what it defines itself keeps its name, what it captures is renamed. */
function renamedBody(body: OnnxBody, rename: (name: string) => string): OnnxBody {
  const own = new Set([...body.inputs, ...body.constants.keys(), ...body.nodes.flatMap((node) => node.outputs)]);
  const inner = (name: string) => (own.has(name) ? name : rename(name));
  return { ...body, outputs: body.outputs.map(inner), nodes: body.nodes.map((node) => renamedNode(node, inner)) };
}

/** `If` whose condition is known: the branch takes its place. */
const branch: Expander = (node, to) => {
  const condition = to.constant(node.inputs[0]);
  if (condition === undefined) throw notExpanded(node, 'a condition computed at run time', 'a constant condition');
  const body = bodyOf(node, Number(condition.data[0]) !== 0 ? 'then_branch' : 'else_branch');
  const results = instantiate(body, [], `${node.outputs[0]}/`, to);
  results.forEach((result, index) => {
    to.finish('Identity', [result], {}, index);
  });
};

/** Whether the loop's condition stays what it is at the start, in every iteration. */
function keepsCondition(body: OnnxBody): boolean {
  const producers = new Map(body.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  let name = body.outputs[0]!;
  for (
    let node = producers.get(name);
    node?.opType === 'Identity' || node?.opType === 'Cast';
    node = producers.get(name)
  )
    name = node.inputs[0]!;
  if (name === body.inputs[1]) return true;
  const constant = body.constants.get(name) ?? constantOf(producers.get(name));
  return constant !== undefined && numbersOf(constant)[0] !== 0;
}

function constantOf(node: OnnxNode | undefined) {
  const value = node?.opType === 'Constant' ? node.attributes.get('value') : undefined;
  return value?.kind === 'tensor' ? value.value : undefined;
}

/** `Loop` with a known number of iterations: one copy of the body per iteration. */
const loop: Expander = (node, to) => {
  const [trips, condition] = [to.numbers(node.inputs[0])?.[0], to.numbers(node.inputs[1])?.[0]];
  const body = bodyOf(node, 'body');
  const known = condition !== undefined || !to.has(1);
  if (trips === undefined || !known || (condition !== 0 && !keepsCondition(body))) {
    throw notExpanded(node, 'a number of iterations known at run time only', 'a constant trip count');
  }
  const iterations = condition === 0 ? 0 : Math.max(0, trips);
  checkIterations(node, iterations);
  const carriedCount = node.inputs.length - 2;
  let carried: string[] = node.inputs.slice(2);
  const scans: string[][] = body.outputs.slice(1 + carriedCount).map(() => []);
  for (let index = 0; index < iterations; index++) {
    const given = [to.ints(index), to.boolean(true), ...carried];
    const results = instantiate(body, given, `${node.outputs[0]}/${index}/`, to).slice(1);
    carried = results.slice(0, carriedCount);
    scans.forEach((list, scan) => {
      list.push(results[carriedCount + scan]!);
    });
  }
  carried.forEach((value, index) => {
    to.finish('Identity', [value], {}, index);
  });
  scans.forEach((list, scan) => {
    stack(list, 0, carriedCount + scan, to);
  });
};

function checkIterations(node: OnnxNode, iterations: number): void {
  if (iterations > MAX_ITERATIONS) throw notExpanded(node, `${iterations} iterations`, `at most ${MAX_ITERATIONS}`);
}

/** Joins the results of all iterations along a new axis. */
function stack(values: readonly string[], axis: number, output: number, to: Expansion): void {
  if (values.length === 0) {
    throw new QError('A loop that never runs makes an empty tensor of unknown shape.', {
      code: 'onnx.unsupported-attribute',
      where: to.source.name,
    });
  }
  const parts = values.map((value) =>
    to.add('Unsqueeze', [value, to.ints([axis])], to.opset < 13 ? { axes: ints([axis]) } : {}),
  );
  to.finish(parts.length === 1 ? 'Identity' : 'Concat', parts, { axis: int(axis) }, output);
}

/** `Scan`: its length is a dimension, so it is always known (opset 9 and newer; 8 had a batch dimension). */
const scan: Expander = (node, to) => {
  if (to.opset < 9) throw notExpanded(node, 'the Scan of opset 8', 'opset 9 or newer');
  const body = bodyOf(node, 'body');
  const scanCount = intAttribute(node, 'num_scan_inputs', 1);
  const stateCount = node.inputs.length - scanCount;
  const outputCount = body.outputs.length - stateCount;
  const list = (name: string, count: number) => intsAttribute(node, name) ?? new Array<number>(count).fill(0);
  const [axes, directions] = [list('scan_input_axes', scanCount), list('scan_input_directions', scanCount)];
  const [outAxes, outDirections] = [list('scan_output_axes', outputCount), list('scan_output_directions', outputCount)];
  const inputs = node.inputs.slice(stateCount);
  const front = axes.map((axis, index) => (axis < 0 ? axis + to.shape(inputs[index]!).length : axis));
  const length = to.shape(inputs[0]!)[front[0]!]!;
  checkIterations(node, length);
  let state: string[] = node.inputs.slice(0, stateCount);
  const collected: string[][] = Array.from({ length: outputCount }, () => []);
  for (let step = 0; step < length; step++) {
    const slices = inputs.map((input, index) => {
      const at = directions[index] === 1 ? length - 1 - step : step;
      return to.add('Gather', [input, to.ints(at)], { axis: int(front[index]!) });
    });
    const results = instantiate(body, [...state, ...slices], `${node.outputs[0]}/${step}/`, to);
    state = results.slice(0, stateCount);
    collected.forEach((values, index) => {
      const value = results[stateCount + index]!;
      if (outDirections[index] === 1) values.unshift(value);
      else values.push(value);
    });
  }
  state.forEach((value, index) => {
    to.finish('Identity', [value], {}, index);
  });
  collected.forEach((values, index) => {
    stack(values, outAxes[index]!, stateCount + index, to);
  });
};

export const controlFlowExpanders: Readonly<Record<string, Expander>> = { If: branch, Loop: loop, Scan: scan };
