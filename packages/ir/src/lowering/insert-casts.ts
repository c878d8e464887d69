import type { DType } from '../dtype.ts';
import type { KnownOp, OpOf } from '../graph.ts';
import { formatDouble } from '../mlir/format-double.ts';
import type { TensorType } from '../tensor-type.ts';
import { attributesFor, type LoweringContext, quantizerOfRange, Refusal, uniformType } from './context.ts';

/** Operators that accept any mix of integer types. */
const ANY_INTEGERS: ReadonlySet<string> = new Set([
  'tpu.Add',
  'tpu.AddConst',
  'tpu.Sub',
  'tpu.SubConst',
  'tpu.Mul',
  'tpu.MulConst',
]);

/** Result takes the element type of the operand, whatever its own precision is (tpu-mlir: ForwardTypePattern). */
const TYPE_FOLLOWS_INPUT: ReadonlySet<string> = new Set(['tpu.Reshape', 'tpu.Unsqueeze', 'tpu.Squeeze', 'tpu.Tile']);

const isSixteenBits = (dtype: DType): boolean => dtype === 'f16' || dtype === 'bf16';
const isInteger = (dtype: DType): boolean => !['f32', 'f16', 'bf16', 'f64'].includes(dtype);
const isNibble = (dtype: DType): boolean => dtype === 'i4' || dtype === 'u4';
const isByte = (dtype: DType): boolean => dtype === 'i8' || dtype === 'u8';

/**
 * Views of memory cannot convert: they take their operand's type before casts are placed. On a CV18xx a view of a network
 * input does not: the input is quantized first (tpu-mlir: ForwardTypePattern).
 */
export function forwardViewTypes(context: LoweringContext, { quantizesInputsOnCpu = false }: CastOptions = {}): void {
  const inputs = new Set(context.ops.filter((op) => op.type === 'top.Input').map((op) => op.name));
  for (const op of context.ops) {
    if (!TYPE_FOLLOWS_INPUT.has(op.type) || (quantizesInputsOnCpu && inputs.has(op.inputs[0]!))) continue;
    const from = context.values.get(op.inputs[0]!);
    const to = context.values.get(op.name)!;
    if (from !== undefined) context.values.set(op.name, { ...from, shape: to.shape });
  }
}

/** Is a cast needed between storage types? (numerics.md 6.1) */
function differs(op: KnownOp, from: DType, to: DType): boolean {
  if (from === to) return false;
  if (!isInteger(from) || !isInteger(to)) return true;
  // Signs mix, and 4-bit codes are read as bytes; bytes do not become 4-bit codes by themselves.
  const isFree = (isByte(to) && (isByte(from) || isNibble(from))) || (isNibble(to) && isNibble(from));
  return !(ANY_INTEGERS.has(op.type) || isFree || to === 'i32');
}

/** Operators whose second operand holds indices. */
const READS_INDICES: ReadonlySet<string> = new Set(
  ['Gather', 'GatherElements', 'GatherND', 'ScatterElements', 'ScatterND'].map((name) => `tpu.${name}`),
);

/** Type of the first result that there is. */
function resultOf(context: LoweringContext, op: KnownOp): TensorType | undefined {
  const name = op.outputs.find((output) => output !== null);
  return name == null ? undefined : context.values.get(name);
}

/** Type that an operand of `op` must have; undefined: as it is. `byFour`: floats become 4-bit codes. */
function wantedType(context: LoweringContext, op: KnownOp, operand: number, byFour: boolean): DType | undefined {
  const name = op.inputs[operand];
  const from = name == null ? undefined : context.values.get(name)?.dtype;
  const to = resultOf(context, op)?.dtype;
  if (from === undefined || to === undefined || op.type === 'tpu.Cast') return undefined;
  // Indices count elements: no 16-bit type holds them, and codes would have to be scaled back.
  if (operand === 1 && READS_INDICES.has(op.type)) return isInteger(from) && from !== 'i32' ? 'f32' : undefined;
  // Requantizations take codes of any width, but no floats.
  if (op.type.startsWith('tpu.Requant') && isInteger(from)) return undefined;
  if (byFour && operand === 0 && !isInteger(from)) return 'i4';
  // Sums and 16-bit results are made of 8-bit codes.
  if (to === 'i32' || to === 'i16' || to === 'u16') return isInteger(from) ? undefined : 'i8';
  return differs(op, from, to) ? to : undefined;
}

const TYPE_NAMES: Readonly<Partial<Record<DType, string>>> = {
  i4: 'si4',
  u4: 'ui4',
  i8: 'si8',
  u8: 'ui8',
  i32: 'si32',
};

const keyOf = (value: string, dtype: DType): string =>
  `${isByte(dtype) ? 'byte' : isNibble(dtype) ? 'nibble' : dtype} ${value}`;

/** The type that a quantizing cast of `value` makes: the producer's range, expressed in its float type. */
function quantizedType(context: LoweringContext, value: string, user: string, bits: 4 | 8): TensorType {
  const from = context.values.get(value)!;
  const { quantization } = from;
  if (quantization?.kind !== 'calibrated') {
    throw new Refusal({
      code: 'lower.threshold-missing',
      where: user,
      found: `${value} is float without a calibrated range, and ${user} needs it in INT8`,
      expected: `a row "${value} threshold min max" in the calibration table`,
      hint: `calibrate ${value}, or put ${user} into the quantize table as F16 or F32`,
    });
  }
  const { scale, zeroPoint, signed } = quantizerOfRange(quantization, context.asymmetric, bits);
  const expressed = from.dtype === 'f16' || from.dtype === 'bf16' ? from.dtype : 'f32';
  const type = uniformType(from.shape, { scale, zeroPoint, signed }, bits);
  return { ...type, quantization: { kind: 'uniform', expressed, scale, zeroPoint } };
}

/** Bytes that become 4-bit codes are copied as they are, so that their sign stays. */
function copiedType(from: DType, to: DType): DType {
  return isNibble(to) && from.startsWith('u') ? 'u4' : to;
}

export interface CastOptions {
  /** CV18xx: a network input is quantized by the CPU operator `quant`, which rounds differently (numerics.md 6.2). */
  readonly quantizesInputsOnCpu?: boolean;
  /** Operators whose first operand becomes 4-bit codes when it is float (numerics.md 13). */
  readonly fourBitReaders?: ReadonlySet<string>;
  /** Between F16 and BF16 a value passes through F32, and is rounded on its way (numerics.md 6.1). */
  readonly sixteenBitsThroughF32?: boolean;
}

/** Makes casts, each one once: a byte target serves both signs. */
class CastMaker {
  readonly #context: LoweringContext;
  readonly #options: CastOptions;
  readonly #inputs: ReadonlySet<string>;
  readonly #existing = new Map<string, string>();
  readonly #after = new Map<string, KnownOp[]>();

  constructor(context: LoweringContext, options: CastOptions) {
    this.#context = context;
    this.#options = options;
    this.#inputs = new Set(context.ops.filter((op) => op.type === 'top.Input').map((op) => op.name));
  }

  /** Name of `value` as `dtype`; `user` is absent for network outputs. */
  cast(value: string, dtype: DType, user: string | undefined): string {
    const key = keyOf(value, dtype);
    const found = this.#existing.get(key);
    if (found !== undefined) return found;
    const from = this.#context.values.get(value)!;
    const isDetour = this.#options.sixteenBitsThroughF32 && isSixteenBits(from.dtype) && isSixteenBits(dtype);
    if (isDetour) return this.#after32(this.cast(value, 'f32', user), { value, dtype, user });
    const isQuantizing = (isByte(dtype) || isNibble(dtype)) && !isInteger(from.dtype);
    const type: TensorType = isQuantizing
      ? quantizedType(this.#context, value, user ?? value, isNibble(dtype) ? 4 : 8)
      : { shape: from.shape, dtype: copiedType(from.dtype, dtype) };
    const named = isQuantizing ? type.dtype : dtype;
    const name = `${value}${user ?? ''}_${TYPE_NAMES[named] ?? named}`;
    this.#existing.set(key, name);
    this.#after.set(value, [this.#operator(value, name, type), ...(this.#after.get(value) ?? [])]);
    this.#context.values.set(name, type);
    return name;
  }

  /** The second cast of two; it stands behind the first. */
  #after32(middle: string, { value, dtype, user }: { value: string; dtype: DType; user: string | undefined }): string {
    const name = `${value}${user ?? ''}_${dtype}`;
    const type: TensorType = { shape: this.#context.values.get(value)!.shape, dtype };
    this.#existing.set(keyOf(value, dtype), name);
    this.#after.set(value, [...(this.#after.get(value) ?? []), this.#operator(middle, name, type)]);
    this.#context.values.set(name, type);
    return name;
  }

  /** Casts that stand after the operator that makes `value`. */
  after(value: string): readonly KnownOp[] {
    return this.#after.get(value) ?? [];
  }

  #operator(value: string, name: string, type: TensorType): KnownOp {
    const scale = type.quantization?.kind === 'uniform' ? type.quantization.scale : undefined;
    if (scale !== undefined && this.#options.quantizesInputsOnCpu && this.#inputs.has(value)) {
      const param = `{from = "FP32", scale = ${formatDouble(Math.fround(1 / Math.fround(scale)))} : f32, to = "INT8"}`;
      return {
        type: 'tpu.GenericCpu',
        name,
        inputs: [value],
        outputs: [name],
        attributes: { cpuOpName: 'quant' },
        unknownAttributes: { param: { kind: 'verbatim', text: param } },
      };
    }
    const attributes = attributesFor('tpu.Cast', {});
    return { type: 'tpu.Cast', name, inputs: [value], outputs: [name], attributes } satisfies OpOf<'tpu.Cast'>;
  }
}

/**
 * Puts a `tpu.Cast` wherever an operator reads a value of another storage type, and on network outputs that are not f32
 * (numerics.md 6.1). A cast stands right after the value it reads. Answers the new names of the network outputs.
 */
export function insertCasts(
  context: LoweringContext,
  outputs: readonly string[],
  options: CastOptions = {},
): readonly string[] {
  const maker = new CastMaker(context, options);
  const connected = context.ops.map((op) => {
    const inputs = op.inputs.map((name, index) => {
      const byFour = options.fourBitReaders?.has(op.name) ?? false;
      const wanted = name === null ? undefined : wantedType(context, op, index, byFour);
      return wanted === undefined ? name : maker.cast(name!, wanted, op.name);
    });
    return inputs.some((name, index) => name !== op.inputs[index]) ? ({ ...op, inputs } as KnownOp) : op;
  });
  const results = outputs.map((name) =>
    context.values.get(name)?.dtype === 'f32' ? name : maker.cast(name, 'f32', undefined),
  );
  context.ops.length = 0;
  for (const op of connected) {
    context.ops.push(op);
    for (const name of op.outputs) if (name !== null) context.ops.push(...maker.after(name));
  }
  return results;
}
