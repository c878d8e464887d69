import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { difference } from './compare.mjs';
import { firstOpset, operandTypes, operators, unknownElementType } from './out-of-scope.mjs';

/**
 * Runs one case folder: `model.onnx`, `test_data_set_*` with `input_*.pb` and `output_*.pb`.
 * `environment` holds the packages' functions and one instance of the kernels.
 * Answers `{ outcome: 'passed' | 'failed' | 'outOfScope', reason? }`.
 */
export async function runCase(folder, environment) {
  const path = join(folder, 'model.onnx');
  const bytes = readFileSync(path);
  const externalData = externalDataOf(path);
  let summary;
  try {
    summary = environment.inspectOnnx(bytes, path, externalData);
  } catch (error) {
    return {
      outcome: isUnreadType(error) ? 'outOfScope' : 'failed',
      reason: isUnreadType(error) ? unknownElementType : message(error),
    };
  }
  const reason = outOfScope(summary);
  if (reason !== undefined) return { outcome: 'outOfScope', reason };
  for (const set of dataSets(folder)) {
    try {
      const problem = await runSet({ bytes, summary, externalData, set, environment });
      if (problem !== undefined) return { outcome: 'failed', reason: problem };
    } catch (error) {
      return { outcome: 'failed', reason: message(error) };
    }
  }
  return { outcome: 'passed' };
}

/** Constants of an element type that the reader does not know. */
function isUnreadType(error) {
  return (
    error?.issues?.length > 0 &&
    error.issues.every(({ code, found }) => code === 'onnx.tensor' && /^element type|sparse/.test(found ?? ''))
  );
}

/** Files next to the model, and only there. */
function externalDataOf(path) {
  const folder = resolve(dirname(path));
  return (location) => {
    const target = resolve(folder, location);
    const inside = relative(folder, target);
    if (inside.startsWith('..') || isAbsolute(inside) || !existsSync(target)) return undefined;
    return readFileSync(target);
  };
}

function outOfScope({ opset, inputs, outputs, operators: used }) {
  for (const { type } of used) {
    const reason = operators.get(type) ?? (type.startsWith('ai.onnx.ml.') ? operators.get('ai.onnx.ml.*') : undefined);
    if (reason !== undefined) return `${type}: ${reason}`;
    const first = firstOpset.get(type);
    if (first !== undefined && opset < first.opset) return `${type}: ${first.reason}`;
    const limited = operandTypes.get(type);
    const hit = limited && inputs.find(({ elementType }) => limited.types.includes(elementType));
    if (hit) return `${type} of ${hit.elementType}: ${limited.reason}`;
  }
  const unknown = [...inputs, ...outputs].some(
    ({ elementType }) => elementType === undefined || elementType === 'string',
  );
  return unknown ? unknownElementType : undefined;
}

function dataSets(folder) {
  return readdirSync(folder)
    .filter((name) => name.startsWith('test_data_set_'))
    .sort()
    .map((name) => join(folder, name));
}

function tensors(set, kind, { readTensorProto }) {
  const count = readdirSync(set).filter((name) => name.startsWith(`${kind}_`) && name.endsWith('.pb')).length;
  return Array.from({ length: count }, (_, index) => {
    const path = join(set, `${kind}_${index}.pb`);
    return readTensorProto(readFileSync(path), path);
  });
}

async function runSet({ bytes, summary, externalData, set, environment }) {
  const inputs = tensors(set, 'input', environment);
  const given = new Map(summary.inputs.slice(0, inputs.length).map(({ name }, index) => [name, inputs[index]]));
  const isStatic = new Set(summary.staticInputs);
  const constantInputs = new Map([...given].filter(([name]) => isStatic.has(name)));
  const fed = [...given].filter(([name]) => !isStatic.has(name));
  const graph = environment.importOnnx(bytes, {
    name: 'case',
    externalData,
    constantInputs,
    constantOutputs: 'keep',
    inputShapes: fed.map(([, { shape }]) => (shape.length === 0 ? [1] : shape)),
  });
  const session = await environment.createSession(graph, { kernels: environment.kernels, nonFinite: 'allow' });
  try {
    const feeds = new Map(fed.map(([name, { data }]) => [name, Float32Array.from(data, Number)]));
    const results = session.run(feeds);
    const problems = tensors(set, 'output', environment).map((expected, index) => {
      const name = summary.outputs[index].name;
      const value = graph.outputs[index];
      return difference(name, results.get(value), graph.values.get(value).shape, expected);
    });
    return problems.find((problem) => problem !== undefined);
  } finally {
    session.dispose();
  }
}

function message(error) {
  return error instanceof Error ? error.message : String(error);
}
