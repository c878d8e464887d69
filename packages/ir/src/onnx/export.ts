import type { DType } from '../dtype.ts';
import { type Issue, isQError, QError } from '../errors.ts';
import { type Graph, inputsOf, type Op } from '../graph.ts';
import { expandAttention } from '../passes/expand-attention.ts';
import { emitterOf } from './export/emitters.ts';
import { OnnxWriter } from './export/onnx-writer.ts';
import { DATA_TYPES } from './tensor-data.ts';
import { modelCodec, type ValueInfoWire } from './wire.ts';

export interface ExportOptions {
  /**
   * Version of the standard operator set, 13 to 24. By default 13, or what the operators gain most from: 14 with HardSwish or
   * Trilu, 16 with GridSampler, 17 with LayerNorm. Operators that a version lacks are spelled out in simpler ones.
   */
  readonly opset?: number;
  /** Name of the graph inside the file; the graph's own by default. */
  readonly graphName?: string;
  /** Node names by op name, where they are not the op's own. */
  readonly nodeNames?: ReadonlyMap<string, string>;
}

const OLDEST_OPSET = 13;
const NEWEST_OPSET = 24;

/**
 * Writes a float Top graph, also one with QuantizeLinear and DequantizeLinear and integer weights, as an ONNX model.
 *
 * Tensors carry the source framework's names where the graph knows them (`graph.tensorNames`), nodes the layer names. Fused
 * Relus become nodes again; weights that hold indices become int64. The same graph gives the same bytes.
 *
 * @throws QError `onnx.export-unsupported` with every op that has no ONNX form, `onnx.export-opset`
 */
export function exportOnnx(given: Graph, options: ExportOptions = {}): Uint8Array {
  // ONNX has the operator since opset 23, which few tools read.
  const graph = expandAttention(given);
  const opset = options.opset ?? neededOpset(graph.ops);
  if (!Number.isInteger(opset) || opset < OLDEST_OPSET || opset > NEWEST_OPSET) {
    throw new QError(`Opset ${opset} cannot be written.`, {
      code: 'onnx.export-opset',
      found: String(opset),
      expected: `${OLDEST_OPSET} to ${NEWEST_OPSET}`,
    });
  }
  const writer = new OnnxWriter(graph, opset, options.nodeNames);
  const inputs = inputsOf(graph).map(({ name }) => emitInput(graph, writer, name));
  emitOps(graph, writer);
  const outputs = emitOutputs(graph, writer);
  writer.prune(outputs.map(({ name }) => name!));
  const name = options.graphName ?? graph.name;
  const encoded = modelCodec
    .encode({
      irVersion: irVersion(opset),
      producerName: '@q/ir',
      graph: {
        name: name === '' ? 'graph' : name,
        node: writer.nodes,
        initializer: writer.initializers,
        input: inputs,
        output: outputs,
      },
      opsetImport: [{ domain: '', version: opset }],
    })
    .finish();
  // Under Node that is a Buffer, whose slice() is not an array's.
  return new Uint8Array(encoded);
}

/** Whether `exportOnnx` knows how to write this operator type. */
export function hasOnnxForm(op: Op): boolean {
  if (op.type === 'top.Input' || op.type === 'top.ScaleDotProductAttention') return true;
  return op.type !== 'unknown' && emitterOf(op) !== undefined;
}

function neededOpset(ops: readonly Op[]): number {
  const needs: Readonly<Record<string, number>> = {
    'top.HardSwish': 14,
    'top.Trilu': 14,
    'top.GridSampler': 16,
    'top.LayerNorm': 17,
  };
  return Math.max(OLDEST_OPSET, ...ops.map(({ type }) => needs[type] ?? 0));
}

/** The oldest file version that may carry an operator set (ONNX: Versioning). */
function irVersion(opset: number): number {
  const introduced = [
    [23, 11],
    [21, 10],
    [19, 9],
    [15, 8],
  ] as const;
  return introduced.find(([first]) => opset >= first)?.[1] ?? 7;
}

/** Inputs that the caller supplies as integers are widened right behind the input. */
function emitInput(graph: Graph, writer: OnnxWriter, name: string): ValueInfoWire {
  const { shape, dtype } = writer.type(name);
  const given = graph.argumentTypes?.get(name);
  const tensor = writer.tensor(name);
  if (given === undefined || given === dtype) return valueInfo(tensor, dtype, shape);
  const outside = writer.rename(name);
  writer.cast(outside, dtype, writer.tensor(name));
  return valueInfo(outside, given, shape);
}

function emitOps(graph: Graph, writer: OnnxWriter): void {
  const issues: Issue[] = [];
  for (const op of graph.ops) {
    if (op.type === 'top.Input') continue;
    const emitter = op.type === 'unknown' ? undefined : emitterOf(op);
    if (op.type === 'unknown' || emitter === undefined) {
      const found = op.type === 'unknown' ? op.mnemonic : op.type;
      issues.push({
        code: 'onnx.export-unsupported',
        where: op.name,
        found,
        expected: 'an operator with an ONNX form',
      });
      continue;
    }
    writer.begin(op);
    try {
      emitter(op, writer);
    } catch (error) {
      if (!isQError(error)) throw error;
      issues.push(...error.issues);
    }
  }
  if (issues.length === 0) return;
  const list = issues.map(({ where, found }) => `${where} (${found})`).join(', ');
  throw new QError(`The graph cannot be written as ONNX: ${list}.`, issues[0]!, { issues });
}

/** Outputs that are inputs, weights or repeated get a node of their own. */
function emitOutputs(graph: Graph, writer: OnnxWriter): ValueInfoWire[] {
  const inputs = new Set(inputsOf(graph).map(({ name }) => name));
  const seen = new Set<string>();
  return graph.outputs.map((name) => {
    const { shape, dtype } = writer.type(name);
    const direct = !seen.has(name) && !inputs.has(name) && graph.values.has(name);
    seen.add(name);
    const tensor = writer.tensor(name);
    if (direct) return valueInfo(tensor, dtype, shape);
    const passed = writer.fresh(graph.tensorNames.get(name) ?? `${tensor}_output`);
    return valueInfo(writer.node('Identity', [tensor], {}, passed), dtype, shape);
  });
}

function valueInfo(name: string, dtype: DType, shape: readonly number[]): ValueInfoWire {
  return {
    name,
    type: { tensorType: { elemType: DATA_TYPES[dtype], shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
  };
}
