import {
  bf16Bits,
  type CodeBits,
  f16Bits,
  type KnownOp,
  narrowed,
  type Plan,
  scaleOfInt16Output,
  type TensorType,
} from '@q/ir';
import { LoweringContext, type LoweringSources, type Quantizer, uniformType } from '@q/ir/lowering';
import { isInt4Kind } from '../int4-operators.ts';
import type { Processor } from '../processors.ts';

/** Float types that an operator can be lowered to. */
export type FloatType = 'f16' | 'bf16' | 'f32';

/** What this family's lowering knows beyond the shared context. */
export interface Bm168xSources extends LoweringSources {
  readonly plan: Plan;
  readonly processor: Processor;
  /** Operators whose results are 16-bit codes. */
  readonly int16?: ReadonlySet<string>;
}

/** The two forms of a result that INT4 operators and others read. */
interface Forms {
  readonly int8: string;
  readonly int4: string;
}

/** The lowering context of this family: knows the processor and the plan, narrows weights to 16-bit floats. */
export class Bm168xContext extends LoweringContext {
  readonly processor: Processor;
  readonly plan: Plan;
  /** Operators whose first operand becomes 4-bit codes when it is float. */
  readonly fourBitReaders = new Set<string>();
  /** Tables that upstream builds for other parameters than their result declares (numerics.md 7.6). */
  readonly mismatchedTables: string[] = [];
  readonly #int16: ReadonlySet<string>;
  readonly #forms = new Map<string, Forms>();
  readonly #int8Forms = new Map<string, Quantizer>();

  constructor(sources: Bm168xSources) {
    super({ ...sources, asymmetric: sources.plan.asymmetric });
    this.processor = sources.processor;
    this.plan = sources.plan;
    this.#int16 = sources.int16 ?? new Set();
  }

  /** `value` exists in two forms; readers get theirs. */
  split(value: string, forms: Forms): void {
    this.#forms.set(value, forms);
  }

  /** The name under which `reader` (absent: the network's output) finds `value`. */
  nameFor(value: string, reader: KnownOp | undefined): string {
    const forms = this.#forms.get(value);
    if (forms === undefined) return value;
    return reader !== undefined && isInt4Kind(reader) ? forms.int4 : forms.int8;
  }

  /** The 8-bit codes of an INT4 operator's result have parameters of their own, which readers go by. */
  setInt8Form(value: string, quantizer: Quantizer): void {
    this.#int8Forms.set(value, quantizer);
  }

  override quantizerOf(name: string, by: KnownOp, asymmetric = this.asymmetric, bits: CodeBits = 8): Quantizer {
    const own = bits === 8 && name !== by.name ? this.#int8Forms.get(name) : undefined;
    return own ?? super.quantizerOf(name, by, asymmetric, bits);
  }

  override emit(op: KnownOp, ...types: readonly TensorType[]): void {
    const inputs = op.inputs.map((name) => (name === null ? null : this.nameFor(name, op)));
    super.emit({ ...op, inputs } as KnownOp, ...types);
  }

  /** Named in the section `asym_op` of the calibration table (numerics.md 4.2). */
  isAsymmetricOp(op: KnownOp): boolean {
    return this.plan.sections?.asymmetricOps.includes(op.name) ?? false;
  }

  /** Quantizer of the first operand of a Conv or MatMul, which `asym_op` may give a zero point. */
  inputQuantizerOf(op: KnownOp): Quantizer {
    return this.quantizerOf(op.inputs[0]!, op, this.asymmetric || this.isAsymmetricOp(op));
  }

  /** Bits of the weight codes of an operator with 8-bit activations. */
  weightBitsOf(op: KnownOp): 4 | 8 {
    return this.precisionOf(op) === 'W4INT8' ? 4 : 8;
  }

  /** Weight scales that the section `weight_scale` of the calibration table gives. */
  weightScalesOf(op: KnownOp): readonly number[] | undefined {
    const scales = this.plan.sections?.weightScales.get(`${op.name}_weight`);
    return scales !== undefined && scales.length > 0 ? scales : undefined;
  }

  /** Quantizer and type of the result of a Conv or MatMul: 16-bit codes have a finer scale (numerics.md 5). */
  resultOf(op: KnownOp, mayBeWide = true): Quantizer & { readonly type: TensorType } {
    const quantizer = this.quantizerOf(op.name, op);
    if (!mayBeWide || !this.#int16.has(op.name)) return { ...quantizer, type: this.codeType(op.name, op) };
    const wide = { ...quantizer, scale: scaleOfInt16Output(quantizer.scale), zeroPoint: 0 };
    return { ...wide, type: uniformType(this.shapeOf(op.name), wide, 16) };
  }

  /** An operand as an operator in `dtype` reads it: weights narrowed, values as they are. */
  floatOperand(name: string, dtype: FloatType): string {
    if (!this.isWeight(name)) return name;
    if (dtype === 'f32') return this.keepWeight(name);
    const { shape } = this.graph.weights.get(name)!.type;
    const bits = narrowed(this.floats(name), dtype === 'f16' ? f16Bits : bf16Bits);
    return this.addWeight(name, dtype, { shape, dtype }, bits);
  }
}
