import { QError } from '../errors.ts';
import { type Graph, type Op, typeOf } from '../graph.ts';
import { operatorTable } from '../operators/index.ts';
import { leftOutOperand } from '../operators/row.ts';
import type { Tensor } from '../tensor.ts';
import type { TensorType } from '../tensor-type.ts';
import { attributeTexts, dictionaryText, keptText, quoted } from './attribute-values.ts';
import { resultList, tensorText } from './format-type.ts';

export interface PrintedModule {
  readonly text: string;
  /** Arrays for the weight file, in the order in which the text uses them. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/**
 * Writes a graph as TPU-MLIR does (ir.md 2.3–2.8, 11; numerics.md 14): sorted attributes with their defaults, `top.Weight`
 * just before its first user, location aliases at the end in order of first use.
 *
 * @param options.weightFile name of the npz; a folder in front of it is dropped
 * @throws QError `mlir.graph` when an op uses a value that the graph does not define
 */
export function printMlir(graph: Graph, options: { readonly weightFile: string }): PrintedModule {
  return new Printer(graph).print(options.weightFile.replace(/^.*[\\/]/, ''));
}

class Printer {
  private readonly body: Line[] = [];
  private readonly ids = new Map<string, string>();
  private readonly weights = new Map<string, Tensor>();
  private nextId = 0;
  private none: string | undefined;

  constructor(private readonly graph: Graph) {}

  print(weightFile: string): PrintedModule {
    const { graph } = this;
    if (graph.ops.some((op) => writtenInputs(op, graph.chip).includes(null))) {
      this.none = this.newId();
      this.body.push({ text: `${this.none} = "top.None"() : () -> none`, names: [] });
    }
    let argument = 0;
    for (const op of graph.ops) this.op(op, op.type === 'top.Input' ? `%arg${argument++}` : undefined);
    for (const output of graph.outputs) if (!this.ids.has(output) && graph.weights.has(output)) this.weight(output);
    const outputTypes = graph.outputs.map((name) => this.type(name));
    const operands = graph.outputs.map((name) => this.id(name)).join(', ');
    this.body.push({ text: `return${operands === '' ? '' : ` ${operands} : ${outputTypes.join(', ')}`}`, names: [] });
    const locations = new Locations(this.body);
    const text = [
      '#loc = loc(unknown)',
      `module @${symbol(graph.name)} attributes {${this.moduleAttributes(weightFile)}} {`,
      `  func.func @main(${this.parameters()})${resultList(outputTypes, ' -> ')} {`,
      ...this.body.map(({ text, names }) => `    ${text} loc(${locations.alias(names)})`),
      '  } loc(#loc)',
      '} loc(#loc)',
      ...locations.definitions(),
      // The vendor's files end with an empty line.
      '',
      '',
    ].join('\n');
    return { text, weights: this.weights };
  }

  private moduleAttributes(weightFile: string): string {
    const { graph } = this;
    const entries = new Map(Object.entries(graph.moduleAttributes).map(([name, value]) => [name, keptText(value)]));
    entries.set('module.chip', quoted(graph.chip));
    entries.set('module.platform', quoted(graph.platform));
    entries.set('module.state', quoted(graph.state));
    entries.set('module.weight_file', quoted(weightFile));
    return dictionaryText(entries);
  }

  private parameters(): string {
    const inputs = this.graph.ops.filter((op) => op.type === 'top.Input');
    return inputs.map((op, i) => `%arg${i}: ${this.argumentType(op.name)} loc(unknown)`).join(', ');
  }

  /** The caller's type: never quantized, and integers where the network was given integers. */
  private argumentType(name: string): string {
    const type = this.valueType(name);
    const given = this.graph.argumentTypes?.get(name) ?? type.dtype;
    // 64-bit inputs of a framework model are 32-bit arguments (ir.md 2.6).
    return tensorText({ shape: type.shape, dtype: given === 'i64' ? 'i32' : given }, 'value');
  }

  private op(op: Op, argument: string | undefined): void {
    for (const input of op.inputs)
      if (input !== null && !this.ids.has(input) && this.graph.weights.has(input)) this.weight(input);
    const inputs = writtenInputs(op, this.graph.chip);
    const operands =
      argument === undefined ? inputs.map((name) => (name === null ? this.none! : this.id(name))) : [argument];
    const operandTypes =
      argument === undefined
        ? inputs.map((name) => (name === null ? 'none' : this.type(name)))
        : [this.argumentType(op.name)];
    const resultTypes = op.outputs.map((name) => (name === null ? 'none' : this.type(name)));
    const mnemonic = op.type === 'unknown' ? op.mnemonic : op.type;
    const attributes = dictionaryText(
      op.type === 'unknown'
        ? new Map(Object.entries(op.attributes).map(([name, value]) => [name, keptText(value)]))
        : attributeTexts(operatorTable[op.type].attributes, op.attributes, op.unknownAttributes),
    );
    const id = this.newId();
    const count = op.outputs.length;
    op.outputs.forEach((name, i) => {
      if (name !== null) this.ids.set(name, count > 1 ? `${id}#${i}` : id);
    });
    const signature = `(${operandTypes.join(', ')}) -> ${resultList(resultTypes, '')}`;
    const results = count === 0 ? '' : `${id}${count > 1 ? `:${count}` : ''} = `;
    const dictionary = attributes === '' ? '' : ` {${attributes}}`;
    this.body.push({
      text: `${results}"${mnemonic}"(${operands.join(', ')})${dictionary} : ${signature}`,
      names: this.resultNames(op),
    });
  }

  private weight(name: string): void {
    const weight = this.graph.weights.get(name)!;
    const id = this.newId();
    const kept = Object.entries(weight.unknownAttributes ?? {}).map(([key, value]) => [key, keptText(value)] as const);
    const attributes = kept.length === 0 ? '' : ` {${dictionaryText(new Map(kept))}}`;
    const type = tensorText(weight.type, 'weight');
    this.body.push({ text: `${id} = "top.Weight"()${attributes} : () -> ${type}`, names: [name] });
    this.ids.set(name, id);
    this.weights.set(name, { shape: weight.type.shape, dtype: weight.type.dtype, data: weight.data });
  }

  /** Results that are not produced still need a name in the location; it is never looked up. */
  private resultNames(op: Op): string[] {
    if (op.outputs.length <= 1) return [op.name];
    return op.outputs.map((name, i) => {
      if (name !== null) return name;
      if (i === 0 && !op.outputs.includes(op.name)) return op.name;
      let unused = `${op.name}_unused_${i}`;
      while (typeOf(this.graph, unused) !== undefined) unused += '_';
      return unused;
    });
  }

  private id(name: string): string {
    return this.ids.get(name) ?? missing(name, 'defined before it is used');
  }

  private type(name: string): string {
    const weight = this.graph.weights.get(name);
    return weight === undefined ? tensorText(this.valueType(name), 'value') : tensorText(weight.type, 'weight');
  }

  private valueType(name: string): TensorType {
    return this.graph.values.get(name) ?? missing(name, 'in the graph’s values or weights');
  }

  private newId(): string {
    return `%${this.nextId++}`;
  }
}

/** A line of the body and the names of its location; none for `loc(unknown)`. */
interface Line {
  readonly text: string;
  readonly names: readonly string[];
}

/** Location aliases: plain names are numbered in order of first use, fused ones after all of them. */
class Locations {
  private readonly single = new Map<string, string>();
  private readonly fused = new Map<string, string>();

  constructor(lines: readonly Line[]) {
    for (const name of lines.flatMap(({ names }) => names)) {
      if (!this.single.has(name)) this.single.set(name, `#loc${this.single.size + 1}`);
    }
    for (const { names } of lines) {
      const body = this.fusedBody(names);
      if (names.length > 1 && !this.fused.has(body)) {
        this.fused.set(body, `#loc${this.single.size + this.fused.size + 1}`);
      }
    }
  }

  alias(names: readonly string[]): string {
    if (names.length === 0) return '#loc';
    return (names.length === 1 ? this.single.get(names[0]!) : this.fused.get(this.fusedBody(names)))!;
  }

  definitions(): string[] {
    return [
      ...[...this.single].map(([name, alias]) => `${alias} = loc(${quoted(name)})`),
      ...[...this.fused].map(([body, alias]) => `${alias} = loc(${body})`),
    ];
  }

  private fusedBody(names: readonly string[]): string {
    return `fused[${names.map((name) => this.single.get(name)).join(', ')}]`;
  }
}

function symbol(name: string): string {
  return /^[A-Za-z_][\w$.]*$/.test(name) ? name : quoted(name);
}

function missing(name: string, expected: string): never {
  throw new QError(`The graph is not complete: ${name} is not ${expected}.`, {
    code: 'mlir.graph',
    found: name,
    expected,
  });
}

/**
 * The operands that the text shows: an absent one is `top.None`, or nothing where the operator's row says so. A Reshape
 * lowered for bm1684 shows it.
 */
function writtenInputs(op: Op, chip: string): readonly (string | null)[] {
  if (chip === 'bm1684' && op.type === 'tpu.Reshape') return op.inputs;
  const leftOut = op.type === 'unknown' ? -1 : leftOutOperand(operatorTable[op.type]);
  return op.inputs.filter((name, i) => name !== null || i !== leftOut);
}
