import { type Issue, QError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { f32FromBf16Bits, f32FromF16Bits } from '../quantization/float16.ts';
import type { Tensor } from '../tensor.ts';
import { type OnnxGraph, type OnnxInput, removeDeadNodes } from './onnx-graph.ts';
import type { Constant, ElementType } from './tensor-data.ts';

/**
 * Makes the given tensors the network's outputs, in that order, and drops what they do not need (`--output_names`,
 * ir.md 8.1). Throws `onnx.unknown-output` with all names that do not exist.
 */
export function selectOutputs(graph: OnnxGraph, names: readonly string[]): void {
  const known = [...graph.nodes.flatMap((node) => node.outputs), ...graph.inputs.map(({ name }) => name)];
  const issues = names
    .filter((name) => !known.includes(name))
    .map((name): Issue => {
      const suggestion = nearest(name, known);
      return {
        code: 'onnx.unknown-output',
        where: '--output_names',
        found: name,
        expected: 'the name of an ONNX tensor',
        ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
      };
    });
  if (issues.length > 0) {
    const list = issues.map(({ found }) => found).join(', ');
    throw new QError(`The model has no tensor named ${list}.`, issues[0]!, { issues });
  }
  graph.outputs = [...names];
  removeDeadNodes(graph);
  const read = new Set([...graph.nodes.flatMap((node) => node.inputs), ...names]);
  graph.inputs = graph.inputs.filter(({ name }) => read.has(name));
}

/**
 * Fixes the shapes of the inputs: given numbers win over the file's, a scalar input becomes `[1]` (ir.md 8.1).
 * Throws `onnx.input-shape` with every input that has no static shape or does not fit.
 */
export function fixInputShapes(graph: OnnxGraph, given?: readonly (readonly number[])[]): void {
  const issues: Issue[] = [];
  if (given !== undefined && given.length !== graph.inputs.length) {
    issues.push({
      code: 'onnx.input-shape',
      where: '--input_shapes',
      found: `${given.length} shape(s)`,
      expected: `${graph.inputs.length}, for ${graph.inputs.map(({ name }) => name).join(', ')}`,
    });
  } else {
    graph.inputs = graph.inputs.map((input, index) => fixedInput(input, given?.[index], issues));
  }
  if (issues.length > 0) throw new QError('The shapes of the network inputs are not clear.', issues[0]!, { issues });
}

function fixedInput(input: OnnxInput, given: readonly number[] | undefined, issues: Issue[]): OnnxInput {
  const declared = input.shape.length === 0 ? [1] : input.shape;
  const text = `[${declared.map((dim) => (dim === -1 ? '?' : dim)).join(',')}]`;
  if (given === undefined && declared.includes(-1)) {
    issues.push({
      code: 'onnx.input-shape',
      where: input.name,
      found: text,
      expected: 'static dimensions',
      hint: 'give the shape with --input_shapes, for example [[1,3,224,224]]',
    });
  }
  if (given !== undefined && given.length !== declared.length) {
    issues.push({
      code: 'onnx.input-shape',
      where: input.name,
      found: `[${given.join(',')}]`,
      expected: `${declared.length} dimension(s), like ${text}`,
    });
  }
  const wrong = given?.find((dim) => !Number.isInteger(dim) || dim < (input.isEmpty ? 0 : 1));
  if (wrong !== undefined) {
    issues.push({
      code: 'onnx.input-shape',
      where: input.name,
      found: String(wrong),
      expected: 'positive whole numbers',
    });
  }
  return { ...input, shape: given ?? declared };
}

/** Turns inputs into constants. Throws `onnx.input-shape` for names that are no inputs. */
export function fixConstantInputs(graph: OnnxGraph, values: ReadonlyMap<string, Tensor> = new Map()): void {
  const known = graph.inputs.map(({ name }) => name);
  for (const [name, tensor] of values) {
    const input = graph.inputs.find((candidate) => candidate.name === name);
    if (input === undefined) {
      throw new QError(`The model has no input named ${name}.`, {
        code: 'onnx.input-shape',
        where: 'constantInputs',
        found: name,
        expected: known.join(', '),
      });
    }
    graph.constants.set(name, constantOf(tensor, input.elementType));
  }
  graph.inputs = graph.inputs.filter(({ name }) => !values.has(name));
}

/** Half floats are wide and 4-bit integers unpacked in a constant. */
function constantOf({ shape, dtype, data }: Tensor, elementType: ElementType): Constant {
  if (dtype === 'f16') return { shape, elementType, data: Float32Array.from(data as Uint16Array, f32FromF16Bits) };
  if (dtype === 'bf16') return { shape, elementType, data: Float32Array.from(data as Uint16Array, f32FromBf16Bits) };
  return { shape, elementType, data };
}

/** A constant output gets a layer that makes it: `<output>_Constant`. An input that is an output stays one. */
export function keepConstantOutputs(graph: OnnxGraph): void {
  for (const output of graph.outputs) {
    const constant = graph.constants.get(output);
    if (constant === undefined) continue;
    const value = `${output}_value`;
    graph.constants.delete(output);
    graph.constants.set(value, constant);
    const rename = (name: string) => (name === output ? value : name);
    graph.nodes = graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename) }));
    const attributes = new Map();
    graph.nodes.push({ name: output, opType: 'ConstantOutput', inputs: [value], outputs: [output], attributes });
  }
}
