import { type Graph, QError } from '@q/ir';
import type { SessionOptions } from './session.ts';

/**
 * Finds what callers without types may hand over by mistake: a path, a promise, the exports of a kernel instance.
 *
 * @throws QError `runtime.session.arguments`
 */
export function checkSessionArguments(graph: Graph, options: SessionOptions): void {
  if (!isGraph(graph))
    throw argumentError('graph', graph, 'a Graph of @q/ir: ops and outputs as lists, values and weights as maps');
  if (!isObject(options)) throw argumentError('options', options, 'an object, or nothing');
  const { kernels } = options;
  if (kernels !== undefined && !isKernels(kernels)) {
    throw argumentError('kernels', kernels, 'an instance of loadKernels() of @q/kernels-wasm, awaited');
  }
}

function isGraph(graph: unknown): boolean {
  if (!isObject(graph)) return false;
  const { ops, outputs, values, weights } = graph;
  const areLists = Array.isArray(ops) && ops.every(isOp) && Array.isArray(outputs);
  return areLists && values instanceof Map && weights instanceof Map;
}

function isOp(op: unknown): boolean {
  return isObject(op) && typeof op.name === 'string' && Array.isArray(op.inputs) && Array.isArray(op.outputs);
}

function isKernels(kernels: unknown): boolean {
  if (!isObject(kernels)) return false;
  const { exports, memory, arena } = kernels;
  const isArena = isObject(arena) && typeof arena.alloc === 'function';
  // Not `instanceof`: memories may come from another realm.
  return isObject(exports) && isArena && isObject(memory) && 'buffer' in memory;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function argumentError(where: string, found: unknown, expected: string): QError {
  return new QError(`createSession was given a malformed ${where}.`, {
    code: 'runtime.session.arguments',
    where,
    found: typeof found === 'string' ? 'a string' : Object.prototype.toString.call(found),
    expected,
  });
}
