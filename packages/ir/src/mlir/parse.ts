import type { MlirAttribute } from '../attribute-schema.ts';
import { byteLengthOf, type DType, elementCount } from '../dtype.ts';
import { type Issue, QError } from '../errors.ts';
import type { Graph, GraphState, KnownOp, Op, UnknownOp, Weight } from '../graph.ts';
import { type OpType, operatorTable } from '../operators/index.ts';
import { leftOutOperand, type OperatorRow } from '../operators/row.ts';
import { bytesOf, type Tensor, viewBytes } from '../tensor.ts';
import type { TensorType } from '../tensor-type.ts';
import type { Dictionary } from './attribute-syntax.ts';
import { attributeValue } from './attribute-values.ts';
import { weightSpelling } from './format-type.ts';
import {
  type FileSyntax,
  type FunctionSyntax,
  type LocationSyntax,
  type ModuleSyntax,
  type OpSyntax,
  readFile,
} from './module-syntax.ts';
import type { TypeSyntax } from './type-syntax.ts';

const STATES: readonly GraphState[] = ['TOP_F32', 'TOP_CALIBRATED', 'TOP_QUANTIZED', 'TPU_LOWERED'];

/**
 * Reads a module of Top or lowered (`tpu.*`) operators (ir.md 2) with the arrays of its weight file.
 *
 * Operators and attributes without a row in the operator table are kept and printed back. Names come from locations, or
 * from `name` attributes in files of 2022. Weights take their shape from the type, because passes store them flat.
 *
 * @throws QError `mlir.syntax` at the first error of form; else one error with every issue: `mlir.state`, `mlir.main`,
 *   `mlir.type`, `mlir.name`, `mlir.attribute`, `mlir.operand`, `mlir.missing-weight`, `mlir.weight-data`, `mlir.unsupported`
 */
export function parseMlir(text: string, weights: ReadonlyMap<string, Tensor>, where = 'mlir'): Graph {
  const file = readFile(text, where);
  const builder = new GraphBuilder(file, weights);
  const graph = builder.build(file.module);
  const [first] = builder.issues;
  if (first !== undefined) {
    const more = builder.issues.length > 1 ? ` (and ${builder.issues.length - 1} more)` : '';
    throw new QError(`${first.where ?? where}: ${first.found ?? 'this'} cannot be read${more}.`, first, {
      issues: builder.issues,
    });
  }
  return graph;
}

/** The file name that `module.weight_file` gives, without folder; `undefined` when the module names none. */
export function weightFileOf(text: string, where = 'mlir'): string | undefined {
  const attribute = readFile(text, where).module.attributes.get('module.weight_file')?.value;
  return attribute?.kind === 'string' ? attribute.value.replace(/^.*[\\/]/, '') : undefined;
}

/** What an SSA name stands for. */
type Reference =
  | { readonly kind: 'none' }
  | { readonly kind: 'argument'; readonly type: TypeSyntax }
  | { readonly kind: 'value'; readonly name: string };

class GraphBuilder {
  readonly issues: Issue[] = [];
  private readonly scope = new Map<string, Reference>();
  private readonly ops: Op[] = [];
  private readonly values = new Map<string, TensorType>();
  private readonly weights = new Map<string, Weight>();
  private readonly argumentTypes = new Map<string, DType>();
  private outputs: string[] = [];

  constructor(
    private readonly file: FileSyntax,
    private readonly arrays: ReadonlyMap<string, Tensor>,
  ) {}

  build(module: ModuleSyntax): Graph {
    const found = findMain(module);
    if (found === undefined) this.issue('mlir.main', module.at, 'no function @main', 'func.func @main');
    else this.readFunction(found.main);
    const attributes = found?.module.attributes ?? module.attributes;
    const state = this.moduleString(attributes, 'module.state') as GraphState;
    if (!STATES.includes(state))
      this.issue('mlir.state', module.at, `module.state ${state || 'missing'}`, STATES.join(', '));
    const { ops, values, weights, outputs, argumentTypes } = this;
    return {
      name: module.name ?? this.moduleString(attributes, 'module.name'),
      state,
      chip: this.moduleString(attributes, 'module.chip') || 'ALL',
      platform: this.moduleString(attributes, 'module.platform') || 'ONNX',
      ops,
      values,
      weights,
      outputs,
      tensorNames: new Map(),
      ...(argumentTypes.size > 0 && { argumentTypes }),
      moduleAttributes: this.remaining(attributes, MODULE_FIELDS),
    };
  }

  private readFunction(main: FunctionSyntax): void {
    for (const { id, type } of main.arguments) this.scope.set(id, { kind: 'argument', type });
    for (const op of main.ops) this.readOp(op);
  }

  private readOp(op: OpSyntax): void {
    if (op.mnemonic === 'return') {
      this.outputs = op.operands.map((id) => this.nameOf(id, op)).filter((name) => name !== null);
    } else if (op.mnemonic === 'call' || op.hasRegions) {
      const what = op.mnemonic === 'call' ? 'a call of a sub-function' : `${op.mnemonic} with regions`;
      const hint = 'addressed (…_final.mlir) and control-flow modules are not networks that can be executed here';
      this.issues.push({ code: 'mlir.unsupported', where: this.place(op.at), found: what, hint });
      for (const id of op.results) this.scope.set(id, { kind: 'none' });
    } else if (op.mnemonic === 'top.None') {
      for (const id of op.results) this.scope.set(id, { kind: 'none' });
    } else if (op.mnemonic === 'top.Weight') this.readWeight(op);
    else this.readOperator(op);
  }

  private readOperator(op: OpSyntax): void {
    const names = this.resultNames(op);
    const name = this.namesOf(op)[0] ?? '';
    names.forEach((result, i) => {
      this.define(op, i, result);
    });
    const isInput = op.mnemonic === 'top.Input';
    if (isInput) this.readArgument(op, name);
    const inputs = isInput
      ? []
      : withLeftOut(
          op,
          op.operands.map((id) => this.nameOf(id, op)),
        );
    const base = { name, inputs, outputs: names };
    if (op.mnemonic in operatorTable) this.ops.push(this.knownOp(op, base));
    else {
      const attributes = this.remaining(op.attributes, this.namesByAttribute(op) ? ['name'] : []);
      this.ops.push({ type: 'unknown', mnemonic: op.mnemonic, ...base, attributes } satisfies UnknownOp);
    }
  }

  private knownOp(op: OpSyntax, base: Pick<Op, 'name' | 'inputs' | 'outputs'>): KnownOp {
    const schema = operatorTable[op.mnemonic as OpType].attributes;
    const attributes: Record<string, unknown> = {};
    const read = new Set(this.namesByAttribute(op) ? ['name'] : []);
    for (const [key, spec] of Object.entries(schema)) {
      const given = op.attributes.get(spec.mlir);
      read.add(spec.mlir);
      if (given === undefined) {
        if (spec.fallback !== undefined) attributes[key] = spec.fallback;
        else if (!spec.optional)
          this.issue('mlir.attribute', op.at, `${op.mnemonic} without ${spec.mlir}`, `${spec.mlir} (${spec.kind})`);
        continue;
      }
      const value = attributeValue(spec, this.resolved(given.value));
      if (value === undefined) this.issue('mlir.attribute', given.at, `${spec.mlir} of another kind`, spec.kind);
      else attributes[key] = value;
    }
    if (RESHAPES.has(op.mnemonic)) this.fillTarget(op, base, attributes);
    const unknownAttributes = this.remaining(op.attributes, [...read]);
    const kept = Object.keys(unknownAttributes).length > 0 ? { unknownAttributes } : {};
    // The schema that filled `attributes` is the one its type is derived from.
    return { type: op.mnemonic, ...base, attributes, ...kept } as unknown as KnownOp;
  }

  /** Files of the Caffe front end have Reshapes whose target is the result type alone. */
  private fillTarget(op: OpSyntax, base: Pick<Op, 'inputs'>, attributes: Record<string, unknown>): void {
    const [type] = op.resultTypes;
    const isGiven = op.attributes.has('shape') || base.inputs.slice(1).some((input) => input !== null);
    if (!isGiven && type?.kind === 'tensor' && type.shape !== undefined) attributes.shape = type.shape;
  }

  /** The caller's element type is that of the function's argument; the network computes with the op's own. */
  private readArgument(op: OpSyntax, name: string): void {
    const argument = this.scope.get(op.operands[0] ?? '');
    if (argument?.kind !== 'argument') {
      this.issue(
        'mlir.operand',
        op.at,
        `top.Input of ${op.operands[0] ?? 'nothing'}`,
        "one of the function's arguments",
      );
      return;
    }
    const dtype = argument.type.kind === 'tensor' ? argument.type.dtype : undefined;
    if (dtype !== undefined && dtype !== this.values.get(name)?.dtype) this.argumentTypes.set(name, dtype);
  }

  private readWeight(op: OpSyntax): void {
    const name = this.namesOf(op)[0];
    const type = this.tensorType(op.resultTypes[0], op.at);
    if (name === undefined) this.issue('mlir.name', op.at, 'top.Weight without a name', 'loc("name")');
    if (name === undefined || type === undefined) return;
    this.scope.set(op.results[0]!, { kind: 'value', name });
    const array = this.arrays.get(name);
    if (array === undefined) {
      this.issue('mlir.missing-weight', op.at, `weight ${name}`, 'an array of that name in the weight file');
      return;
    }
    const data = typedData(array, type);
    if (data === undefined) {
      const found = `${name}: [${array.shape.join(', ')}] ${array.dtype}`;
      this.issue('mlir.weight-data', op.at, found, `[${type.shape.join(', ')}] ${type.dtype}`);
    } else {
      if (this.weights.has(name) || this.values.has(name))
        this.issue('mlir.name', op.at, `a second ${name}`, 'unique names');
      const kept = this.remaining(op.attributes, ['name']);
      const spelled = withSpelling(type, op.resultTypes[0]);
      this.weights.set(name, { type: spelled, data, ...(Object.keys(kept).length > 0 && { unknownAttributes: kept }) });
    }
  }

  private define(op: OpSyntax, index: number, name: string | null): void {
    const id = op.results[index]!;
    this.scope.set(id, name === null ? { kind: 'none' } : { kind: 'value', name });
    // `%5:1 = …` may be used as `%5` too.
    if (index === 0 && id.endsWith('#0')) this.scope.set(id.slice(0, -2), this.scope.get(id)!);
    if (name === null) return;
    const type = this.tensorType(op.resultTypes[index], op.at);
    if (this.values.has(name) || this.weights.has(name))
      this.issue('mlir.name', op.at, `a second ${name}`, 'unique names');
    if (type !== undefined) this.values.set(name, type);
  }

  /** One name per result, `null` for results of type `none`; the location may list the used results only. */
  private resultNames(op: OpSyntax): (string | null)[] {
    const names = this.namesOf(op);
    const used = op.resultTypes.map((type) => type.kind !== 'none');
    if (names.length === 0) this.issue('mlir.name', op.at, `${op.mnemonic} without a name`, 'loc("name")');
    if (names.length === op.results.length) return names.map((name, i) => (used[i] ? name : null));
    let next = 0;
    return used.map((isUsed, i) => (isUsed ? (names[next++] ?? `${names[0] ?? 'unnamed'}_${i}`) : null));
  }

  private namesOf(op: OpSyntax): string[] {
    const fromLocation = this.locationNames(op.location, new Set());
    if (fromLocation.length > 0) return fromLocation;
    const attribute = op.attributes.get('name')?.value;
    return attribute?.kind === 'string' ? [attribute.value] : [];
  }

  /** Files of 2022: the name is an attribute, and there are no locations. */
  private namesByAttribute(op: OpSyntax): boolean {
    return this.locationNames(op.location, new Set()).length === 0;
  }

  private locationNames(location: LocationSyntax, seen: ReadonlySet<string>): string[] {
    return location.flatMap(({ name, alias }) => {
      if (name !== undefined) return [name];
      const target = this.file.locations.get(alias!);
      if (target === undefined || seen.has(alias!)) return [];
      return this.locationNames(target, new Set([...seen, alias!]));
    });
  }

  private nameOf(id: string, op: OpSyntax): string | null {
    const reference = this.scope.get(id);
    if (reference === undefined) this.issue('mlir.operand', op.at, `${id} before it is defined`, 'an earlier result');
    else if (reference.kind === 'argument')
      this.issue('mlir.operand', op.at, `${id} used directly`, 'a top.Input between');
    return reference?.kind === 'value' ? reference.name : null;
  }

  private tensorType(type: TypeSyntax | undefined, at: number): TensorType | undefined {
    if (type?.kind !== 'tensor' || type.dtype === undefined) {
      this.issue('mlir.type', at, type === undefined || type.kind === 'none' ? 'no type' : type.text, 'a tensor type');
      return undefined;
    }
    if (type.shape === undefined || type.shape.includes(-1)) {
      this.issue('mlir.type', at, type.text, 'static dimensions: a module after shape inference, not the …_origin one');
      return undefined;
    }
    const { shape, dtype, quantization } = type;
    return { shape, dtype, ...(quantization && { quantization }) };
  }

  private remaining(attributes: Dictionary, known: readonly string[]): Record<string, MlirAttribute> {
    const rest = [...attributes].filter(([name]) => !known.includes(name));
    return Object.fromEntries(rest.map(([name, { value }]) => [name, this.resolved(value)]));
  }

  /** Follows an attribute alias (`#map`). */
  private resolved(attribute: MlirAttribute): MlirAttribute {
    if (attribute.kind !== 'verbatim') return attribute;
    return this.file.attributes.get(attribute.text)?.value ?? attribute;
  }

  private moduleString(attributes: Dictionary, name: string): string {
    const attribute = attributes.get(name)?.value;
    return attribute?.kind === 'string' ? attribute.value : '';
  }

  private issue(code: string, at: number, found: string, expected: string): void {
    this.issues.push({ code, where: this.place(at), found, expected });
  }

  private place(at: number): string {
    return this.file.scanner.place(at);
  }
}

const RESHAPES = new Set(['top.Reshape', 'tpu.Reshape']);

const MODULE_FIELDS = ['module.name', 'module.state', 'module.chip', 'module.platform', 'module.weight_file'];

/** The first `@main`, also in nested modules. */
function findMain(module: ModuleSyntax): { module: ModuleSyntax; main: FunctionSyntax } | undefined {
  const main = module.functions.find(({ name }) => name === 'main');
  if (main !== undefined) return { module, main };
  for (const nested of module.modules) {
    const found = findMain(nested);
    // The inner module of an addressed file has addresses only; what the network is stands at the outer one.
    if (found !== undefined) return found.module.attributes.has('module.state') ? found : { module, main: found.main };
  }
  return undefined;
}

/** The array's bytes as elements of the type; the file stores 16-bit floats as `<u2` and may store shapes flat. */
function typedData(array: Tensor, type: TensorType): Weight['data'] | undefined {
  const bytes = bytesOf(array.data);
  if (bytes.length !== byteLengthOf(type.dtype, elementCount(type.shape))) return undefined;
  if (array.dtype === type.dtype) return array.data;
  const sameBits = STORED_AS[type.dtype]?.includes(array.dtype) ?? false;
  return sameBits ? viewBytes(type.dtype, bytes) : undefined;
}

const STORED_AS: Readonly<Partial<Record<DType, readonly DType[]>>> = {
  f16: ['u16', 'i16'],
  bf16: ['u16', 'i16'],
  i4: ['u8', 'i8'],
  u4: ['u8', 'i8'],
  i8: ['u8'],
  u8: ['i8', 'bool'],
  bool: ['u8', 'i8'],
  i16: ['u16'],
  u16: ['i16'],
  i32: ['u32'],
  u32: ['i32'],
};

/** Keeps how the integers of a weight are written, where that is not the habit. */
function withSpelling(type: TensorType, written: TypeSyntax | undefined): TensorType {
  const element = written?.kind === 'tensor' ? /\b(?:\d+x)*([su]?i\d+)\s*[,>]/.exec(written.text)?.[1] : undefined;
  const isUsual = element === undefined || type.quantization !== undefined || element === weightSpelling(type.dtype);
  return isUsual ? type : { ...type, spelling: element };
}

/** Puts the operand back that the text leaves out when it is absent (`tileT??` in the operator's row), if others follow it. */
function withLeftOut(op: OpSyntax, inputs: (string | null)[]): (string | null)[] {
  const row = operatorTable[op.mnemonic as OpType] as OperatorRow | undefined;
  const at = row === undefined ? -1 : leftOutOperand(row);
  if (at < 0 || inputs.length >= row!.operands!.length || inputs.length <= at) return inputs;
  return [...inputs.slice(0, at), null, ...inputs.slice(at)];
}
