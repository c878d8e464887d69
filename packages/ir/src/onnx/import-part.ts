import { type Issue, isQError } from '../errors.ts';
import type { Graph } from '../graph.ts';
import { decodeModel } from './decode.ts';
import { type ImportOptions, importOnnx } from './import.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { sortNodes } from './sort.ts';

export interface PartialImport {
  /** The imported network; without some operators, the part that does not depend on them; `undefined`: nothing of it. */
  readonly graph: Graph | undefined;
  /** Why the network as a whole cannot be imported, everything at once; empty when it can. */
  readonly issues: readonly Issue[];
}

const UNSUPPORTED = 'onnx.unsupported-operator';

/**
 * Imports an ONNX file as far as it goes: every reason why it cannot be imported is listed, and what does not depend on an
 * unsupported operator is imported all the same.
 *
 * Throws `onnx.corrupt` and `onnx.tensor` when the file itself is not usable.
 */
export function importOnnxPart(bytes: Uint8Array, options: ImportOptions): PartialImport {
  const model = decodeModel(bytes, options.where ?? options.name, options.externalData);
  sortNodes(model);
  const attempt = (outputNames: readonly string[] | undefined): Graph | readonly Issue[] => {
    try {
      return importOnnx(bytes, outputNames === undefined ? options : { ...options, outputNames });
    } catch (error) {
      if (isQError(error)) return error.issues;
      throw error;
    }
  };
  const whole = attempt(undefined);
  if (!isIssues(whole)) return { graph: whole, issues: [] };
  const unsupported = new Set(whole.filter(({ code }) => code === UNSUPPORTED).map(({ found }) => found ?? ''));
  const ends = unsupported.size === 0 ? [] : independentEnds(model, unsupported);
  const part = ends.length === 0 ? [] : attempt(ends);
  return { graph: isIssues(part) ? undefined : part, issues: whole };
}

function isIssues(result: Graph | readonly Issue[]): result is readonly Issue[] {
  return Array.isArray(result);
}

/** Tensors at which the network can be cut so that nothing before them needs an operator of `unsupported`. */
function independentEnds(model: OnnxGraph, unsupported: ReadonlySet<string>): string[] {
  const lost = new Set<string>();
  const kept = model.nodes.filter((node) => {
    const isLost = unsupported.has(node.opType) || node.inputs.some((input) => lost.has(input));
    if (isLost) for (const output of node.outputs) lost.add(output);
    return !isLost;
  });
  const read = new Set(kept.flatMap(({ inputs }) => inputs));
  return kept.flatMap(({ opType, outputs }) =>
    opType === 'Constant' ? [] : outputs.filter((output) => output !== '' && !read.has(output)),
  );
}
