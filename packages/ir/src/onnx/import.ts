import type { Emit } from '../events.ts';
import type { Graph, Weight } from '../graph.ts';
import { cloneSharedWeights } from '../passes/clone-shared-weights.ts';
import { finishImport, type ImportStage } from '../passes/finish-import.ts';
import type { Tensor } from '../tensor.ts';
import type { Conversion } from './convert/conversion.ts';
import { convertGraph, inferTypes } from './convert-graph.ts';
import { decodeModel } from './decode.ts';
import { expandNodes } from './expand/index.ts';
import { foldConstants } from './fold/evaluate.ts';
import { fuseNodes, simplify } from './fuse/index.ts';
import { type OnnxGraph, type OnnxType, removeDeadNodes } from './onnx-graph.ts';
import { inputAttributes, type PreprocessOptions, withResizeDims } from './preprocess.ts';
import { fixConstantInputs, fixInputShapes, keepConstantOutputs, selectOutputs } from './prune.ts';
import { sortNodes } from './sort.ts';
import type { ExternalData } from './tensor-data.ts';

export interface ImportOptions {
  /** Module name (`--model_name`). */
  readonly name: string;
  /** One shape per network input, in order (`--input_shapes`). */
  readonly inputShapes?: readonly (readonly number[])[];
  /** ONNX tensor names that become the outputs (`--output_names`). */
  readonly outputNames?: readonly string[];
  /**
   * Values of network inputs that shapes depend on (the target of a Reshape, the bounds of a Slice, K of a TopK …), by
   * name: they become constants and are no inputs any more. `staticInputs` of `inspectOnnx` lists them.
   */
  readonly constantInputs?: ReadonlyMap<string, Tensor>;
  /** What becomes of a network output that is constant: `drop` (default, as model_transform does) or `keep`. */
  readonly constantOutputs?: 'drop' | 'keep';
  /**
   * `false` leaves out TPU-MLIR's rewrites of the Top graph: nearly every node of the (simplified) file is an operator of its
   * own then, with the node's tensor in `tensorNames`, as tools need that work node by node.
   */
  readonly canonicalize?: boolean;
  readonly preprocess?: PreprocessOptions;
  /** `final` by default. */
  readonly stage?: ImportStage;
  /** Files that the model keeps tensors in, by the name it uses. */
  readonly externalData?: ExternalData;
  readonly emit?: Emit;
  /** File name for messages. */
  readonly where?: string;
}

/**
 * Imports an ONNX model as `model_transform` does (ir.md 7 and 8): the result is the canonicalised Top graph with TPU-MLIR's
 * layer names. Weights are f32, views on `bytes` where nothing changed them and the alignment allows it.
 *
 * Throws `onnx.corrupt`, `onnx.tensor`, `onnx.external-data`, `onnx.unknown-output`, `onnx.input-shape`,
 * `onnx.unsupported-operator`, `onnx.unsupported-attribute`, `graph.shape-mismatch`: all issues of one kind at once.
 */
export function importOnnx(bytes: Uint8Array, options: ImportOptions): Graph {
  const model = decodeModel(bytes, options.where ?? options.name, options.externalData);
  fixConstantInputs(model, options.constantInputs);
  sortNodes(model);
  if (options.outputNames !== undefined && options.outputNames.length > 0) selectOutputs(model, options.outputNames);
  fixInputShapes(model, options.inputShapes);
  prepare(model, options.stage !== 'nodes');
  if (options.constantOutputs === 'keep') keepConstantOutputs(model);
  const conversion = convertGraph(model, options.emit);
  const preprocess = withResizeDims(options.preprocess, options.inputShapes);
  const graph = topGraph(model, conversion, options.name, preprocess);
  if (options.canonicalize === false) return cloneSharedWeights(graph);
  return options.stage === undefined || options.stage === 'final' ? finishImport(graph) : graph;
}

/** Steps 3-7 of ir.md 8.1: folding, simplification and pattern fusion on the ONNX graph. */
function prepare(model: OnnxGraph, merges: boolean): void {
  const types = new KnownTypes(model);
  removeDeadNodes(model);
  foldUntilStable(model, types);
  while (types.after(expandNodes(model, types.current)) || types.after(expandNodes(model, types.current, true))) {
    removeDeadNodes(model);
    foldUntilStable(model, types);
  }
  if (!merges) return;
  while (types.after(simplify(model, types.current))) foldUntilStable(model, types);
  fuseNodes(model, types.current);
  removeDeadNodes(model);
}

function foldUntilStable(model: OnnxGraph, types: KnownTypes): void {
  while (types.after(foldConstants(model, types.current)));
}

/** The types of a graph's values, inferred anew only when a step has changed the graph. */
class KnownTypes {
  readonly #graph: OnnxGraph;
  #types: ReadonlyMap<string, OnnxType> | undefined;

  constructor(graph: OnnxGraph) {
    this.#graph = graph;
  }

  get current(): ReadonlyMap<string, OnnxType> {
    this.#types ??= inferTypes(this.#graph);
    return this.#types;
  }

  /** Takes and answers whether a step changed the graph. */
  after(changed: boolean): boolean {
    if (changed) this.#types = undefined;
    return changed;
  }
}

function topGraph(
  model: OnnxGraph,
  { builder, values, tensorNames }: Conversion,
  name: string,
  preprocess: PreprocessOptions | undefined,
): Graph {
  const inputs = model.inputs.map(({ name: input, shape }, index) => ({
    type: 'top.Input' as const,
    name: input,
    inputs: [],
    outputs: [input],
    attributes: inputAttributes(shape, index, preprocess),
  }));
  const names = new Map([...tensorNames].filter(([value, tensor]) => value !== tensor));
  // Outputs that are constants have no layer; model_transform drops them, too.
  const outputs = model.outputs.filter((tensor) => !model.constants.has(tensor));
  for (const tensor of outputs) {
    const value = values.get(tensor)!;
    if (value !== tensor && !model.inputs.some(({ name: input }) => input === value)) names.set(value, tensor);
  }
  // Indices come in as integers (ir.md 2.6).
  const integers = model.inputs.filter(({ elementType }) => elementType === 'i32' || elementType === 'i64');
  return {
    ...(integers.length === 0 ? {} : { argumentTypes: new Map(integers.map((input) => [input.name, 'i32' as const])) }),
    name,
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops: [...inputs, ...builder.ops],
    values: builder.values,
    weights: new Map([...builder.weights].map(([key, weight]) => [key, materialised(weight)])),
    outputs: outputs.map((tensor) => values.get(tensor)!),
    tensorNames: names,
    moduleAttributes: { 'module.top_run_mode': { kind: 'string', value: 'STATIC' } },
  };
}

/** Lazy weights become plain data. */
function materialised({ type, data }: Weight): Weight {
  return { type, data };
}
