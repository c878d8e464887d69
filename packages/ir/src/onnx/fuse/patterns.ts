import { axesOf } from '../fold/movement.ts';
import { floatAttribute, numbersOf, type OnnxAttribute, type OnnxGraph, type OnnxNode } from '../onnx-graph.ts';
import { RuleContext } from './rule.ts';

/** What an operand of a pattern step must be. */
type Operand =
  /** The pattern's input. */
  | { readonly is: 'input' }
  /** The result of an earlier step. */
  | { readonly is: 'step'; readonly step: number }
  /** A one-element constant of this value. */
  | { readonly is: 'number'; readonly value: number }
  /** Any constant; remembered under `name`. */
  | { readonly is: 'constant'; readonly name: string };

interface Step {
  readonly opType: string;
  readonly operands: readonly Operand[];
  readonly accepts?: (node: OnnxNode, context: RuleContext) => boolean;
}

interface Match {
  readonly nodes: readonly OnnxNode[];
  readonly input: string;
  readonly constants: ReadonlyMap<string, string>;
}

interface Pattern {
  readonly opType: string;
  readonly steps: readonly Step[];
  /** Constants that become operands of the fused node, by their names in the steps. */
  readonly operands?: readonly string[];
  attributes?(match: Match, context: RuleContext): readonly (readonly [string, OnnxAttribute])[];
}

const input: Operand = { is: 'input' };
const step = (index: number): Operand => ({ is: 'step', step: index });
const number = (value: number): Operand => ({ is: 'number', value });
const constant = (name: string): Operand => ({ is: 'constant', name });

const reducedAxes = (node: OnnxNode, context: RuleContext) => axesOf(node, context.constant(node.inputs[1])) ?? [];

const overLastDimensions = (node: OnnxNode, context: RuleContext) => {
  const axes = reducedAxes(node, context);
  return axes.at(-1) === -1 && axes.every((axis, index) => index === 0 || axis === axes[index - 1]! + 1);
};
const overChannels = (node: OnnxNode, context: RuleContext) => reducedAxes(node, context).join() === '1';

/** Torch's decomposed normalisation: mean, subtract, square, mean, add ε, root, divide [, multiply, add]. */
function normalizationSteps(accepts: Step['accepts'], affine: boolean): Step[] {
  const check = accepts === undefined ? {} : { accepts };
  const steps: Step[] = [
    { opType: 'ReduceMean', operands: [input], ...check },
    { opType: 'Sub', operands: [input, step(0)] },
    { opType: 'Pow', operands: [step(1), number(2)] },
    { opType: 'ReduceMean', operands: [step(2)], ...check },
    { opType: 'Add', operands: [step(3), constant('epsilon')] },
    { opType: 'Sqrt', operands: [step(4)] },
    { opType: 'Div', operands: [step(1), step(5)] },
  ];
  const tail: Step[] = [
    { opType: 'Mul', operands: [step(6), constant('gamma')] },
    { opType: 'Add', operands: [step(7), constant('beta')] },
  ];
  return affine ? [...steps, ...tail] : steps;
}

const float = (value: number): OnnxAttribute => ({ kind: 'float', value });

function epsilonOf(match: Match, context: RuleContext): OnnxAttribute {
  return float(Number(context.constant(match.constants.get('epsilon'))!.data[0]));
}

function normalization(opType: string, accepts: Step['accepts'], affine: boolean): Pattern {
  return {
    opType,
    steps: normalizationSteps(accepts, affine),
    operands: affine ? ['gamma', 'beta'] : [],
    attributes(match, context) {
      const axis: OnnxAttribute = { kind: 'int', value: BigInt(reducedAxes(match.nodes[0]!, context)[0]!) };
      return [
        ['epsilon', epsilonOf(match, context)],
        ...(opType === 'LayerNormalization' ? [['axis', axis] as const] : []),
      ];
    },
  };
}

/** Fused operators in the order in which they are looked for (ir.md 8.1, 7d; tpu-mlir: python/transform/OnnxOpt.py). */
const PATTERNS: readonly Pattern[] = [
  normalization('LayerNormalization', overLastDimensions, true),
  normalization('LayerNormalization', overLastDimensions, false),
  normalization('PixelNormalization', overChannels, true),
  normalization('PixelNormalization', overChannels, false),
  {
    opType: 'HardSigmoid',
    steps: [
      { opType: 'Add', operands: [input, number(3)] },
      { opType: 'Clip', operands: [step(0), number(0), number(6)] },
      { opType: 'Div', operands: [step(1), number(6)] },
    ],
    attributes: () => [
      ['alpha', float(1 / 6)],
      ['beta', float(0.5)],
    ],
  },
  {
    opType: 'HardSwish',
    steps: [
      {
        opType: 'HardSigmoid',
        operands: [input],
        accepts: (node) =>
          floatAttribute(node, 'alpha', 0.2) === Math.fround(1 / 6) && floatAttribute(node, 'beta', 0.5) === 0.5,
      },
      { opType: 'Mul', operands: [input, step(0)] },
    ],
  },
  {
    opType: 'HardSwish',
    steps: [
      { opType: 'Add', operands: [input, number(3)] },
      { opType: 'Clip', operands: [step(0), number(0), number(6)] },
      { opType: 'Mul', operands: [input, step(1)] },
      { opType: 'Div', operands: [step(2), number(6)] },
    ],
  },
  {
    opType: 'GELU',
    steps: [
      { opType: 'Div', operands: [input, constant('root2')] },
      { opType: 'Erf', operands: [step(0)] },
      { opType: 'Add', operands: [step(1), number(1)] },
      { opType: 'Mul', operands: [input, step(2)] },
      { opType: 'Mul', operands: [step(3), number(0.5)] },
    ],
  },
  {
    opType: 'GELU',
    steps: [
      { opType: 'Mul', operands: [input, number(0.5)] },
      { opType: 'Pow', operands: [input, number(3)] },
      { opType: 'Mul', operands: [step(1), constant('cubic')] },
      { opType: 'Add', operands: [input, step(2)] },
      { opType: 'Mul', operands: [step(3), constant('root')] },
      { opType: 'Tanh', operands: [step(4)] },
      { opType: 'Add', operands: [step(5), number(1)] },
      { opType: 'Mul', operands: [step(0), step(6)] },
    ],
    attributes: () => [['approximate', { kind: 'string', value: 'tanh' }]],
  },
];

/** Operands of a node; bounds that old opsets give Clip as attributes appear as numbers. */
function operandsOf(node: OnnxNode): (string | number)[] {
  if (node.opType === 'Clip' && node.inputs.length === 1) {
    return [node.inputs[0]!, floatAttribute(node, 'min', -Infinity), floatAttribute(node, 'max', Infinity)];
  }
  return [...node.inputs];
}

class Matcher {
  private input: string | undefined;
  private readonly constants = new Map<string, string>();
  private readonly window: readonly OnnxNode[];
  private readonly context: RuleContext;

  constructor(window: readonly OnnxNode[], context: RuleContext) {
    this.window = window;
    this.context = context;
  }

  match(pattern: Pattern): Match | undefined {
    const fits = pattern.steps.every(({ opType, operands, accepts }, index) => {
      const node = this.window[index];
      if (node?.opType !== opType || (accepts !== undefined && !accepts(node, this.context))) return false;
      const given = operandsOf(node);
      const swapped = opType === 'Add' || opType === 'Mul' ? [given[1]!, given[0]!] : undefined;
      return this.fits(operands, given) || (swapped !== undefined && this.fits(operands, swapped));
    });
    if (!fits || this.input === undefined || !this.isClosed(pattern.steps.length)) return undefined;
    return { nodes: this.window.slice(0, pattern.steps.length), input: this.input, constants: this.constants };
  }

  private fits(operands: readonly Operand[], given: readonly (string | number)[]): boolean {
    if (given.length < operands.length) return false;
    const before = this.input;
    const all = operands.every((operand, index) => this.fitsOne(operand, given[index]!));
    if (!all) this.input = before;
    return all;
  }

  private fitsOne(operand: Operand, given: string | number): boolean {
    switch (operand.is) {
      case 'input':
        if (typeof given === 'number' || this.context.constant(given) !== undefined) return false;
        this.input ??= given;
        return this.input === given;
      case 'step':
        return given === this.window[operand.step]!.outputs[0];
      case 'number':
        return typeof given === 'number' ? given === operand.value : this.isNumber(given, operand.value);
      case 'constant':
        if (typeof given === 'number' || this.context.constant(given) === undefined) return false;
        this.constants.set(operand.name, given);
        return true;
    }
  }

  private isNumber(tensor: string, value: number): boolean {
    const found = this.context.constant(tensor);
    if (found === undefined || found.shape.length > 1 || found.data.length !== 1) return false;
    return numbersOf(found)[0] === value;
  }

  /** Nothing outside reads an intermediate value: fusing would take it away (ir.md, pitfall 16). */
  private isClosed(length: number): boolean {
    const inside = new Set(this.window.slice(0, length));
    const intermediate = this.window.slice(0, length - 1).map((node) => node.outputs[0]!);
    return intermediate.every(
      (tensor) =>
        !this.context.graph.outputs.includes(tensor) &&
        this.context.graph.nodes.every((node) => inside.has(node) || !node.inputs.includes(tensor)),
    );
  }
}

function fusedNode(pattern: Pattern, match: Match, context: RuleContext): OnnxNode {
  const last = match.nodes.at(-1)!;
  const constants = (pattern.operands ?? []).map((name) => match.constants.get(name)!);
  return {
    name: last.name,
    opType: pattern.opType,
    inputs: [match.input, ...constants],
    outputs: last.outputs,
    attributes: new Map(pattern.attributes?.(match, context) ?? []),
  };
}

/** Replaces runs of consecutive nodes that spell a fused operator; it is named after the last node. */
export function fusePatterns(graph: OnnxGraph): void {
  let changed = true;
  while (changed) {
    changed = PATTERNS.map((pattern) => fuseAll(graph, pattern)).some((hit) => hit);
  }
}

function fuseAll(graph: OnnxGraph, pattern: Pattern): boolean {
  let hit = false;
  let context = new RuleContext(graph, new Map());
  for (let index = 0; index + pattern.steps.length <= graph.nodes.length; index++) {
    if (graph.nodes[index]!.opType !== pattern.steps[0]!.opType) continue;
    const match = new Matcher(graph.nodes.slice(index, index + pattern.steps.length), context).match(pattern);
    if (match === undefined) continue;
    graph.nodes.splice(index, pattern.steps.length, fusedNode(pattern, match, context));
    context = new RuleContext(graph, new Map());
    hit = true;
  }
  return hit;
}
