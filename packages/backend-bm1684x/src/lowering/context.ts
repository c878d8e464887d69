import { bf16Bits, f16Bits, type KnownOp, type Plan, scaleOfInt16Output, type TensorType } from '@q/ir';
import { LoweringContext, type LoweringSources, type Quantizer, uniformType } from '@q/ir/lowering';
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

/** The lowering context of this family: knows the processor and the plan, narrows weights to 16-bit floats. */
export class Bm168xContext extends LoweringContext {
  readonly processor: Processor;
  readonly plan: Plan;
  readonly #int16: ReadonlySet<string>;

  constructor(sources: Bm168xSources) {
    super({ ...sources, asymmetric: sources.plan.asymmetric });
    this.processor = sources.processor;
    this.plan = sources.plan;
    this.#int16 = sources.int16 ?? new Set();
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
    const bits = Uint16Array.from(this.floats(name), dtype === 'f16' ? f16Bits : bf16Bits);
    return this.addWeight(name, dtype, { shape, dtype }, bits);
  }
}
