import { type Issue, QError } from '../errors.ts';
import { nearest } from './nearest.ts';
import { type OnnxGraph, type OnnxInput, removeDeadNodes } from './onnx-graph.ts';

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
  const wrong = given?.find((dim) => !Number.isInteger(dim) || dim <= 0);
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
