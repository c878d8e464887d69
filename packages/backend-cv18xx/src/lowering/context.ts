import { cvBf16Bits, type KnownOp, type Plan, type TensorType } from '@q/ir';
import { LoweringContext, type LoweringSources } from '@q/ir/lowering';
import { findMergedConcats } from './merged-concats.ts';

interface Cv18xxSources extends LoweringSources {
  readonly plan: Plan;
  /** Values that rewrites made and that have no threshold. */
  readonly uncalibrated: ReadonlySet<string>;
}

/** The lowering context of this family: thresholds instead of scales, weights and tables as bfloat16. */
export class Cv18xxContext extends LoweringContext {
  readonly #plan: Plan;
  readonly #uncalibrated: ReadonlySet<string>;
  readonly #merged: ReadonlySet<string>;

  constructor(sources: Cv18xxSources) {
    super(sources);
    this.#plan = sources.plan;
    this.#uncalibrated = sources.uncalibrated;
    this.#merged = findMergedConcats(this);
  }

  /** Threshold of a calibrated value; `by` is the operator that needs it. */
  thresholdOf(name: string, by: KnownOp): number {
    this.quantizerOf(name, by);
    return this.rangeOf(name)!.max;
  }

  /** Made by a rewrite without a threshold: what needs it runs in BF16 (numerics.md 9.3). */
  isUncalibrated(name: string): boolean {
    return this.#uncalibrated.has(name);
  }

  /** A Concat whose operands are written straight to their place. */
  isMerged(op: KnownOp): boolean {
    return this.#merged.has(op.name);
  }

  /** Weight scales that the section `weight_scale` of the calibration table gives. */
  weightScalesOf(op: KnownOp): readonly number[] | undefined {
    const scales = this.#plan.sections?.weightScales.get(`${op.name}_weight`);
    return scales !== undefined && scales.length > 0 ? scales : undefined;
  }

  /** An operand as a BF16 operator reads it: weights narrowed, values as they are. */
  bf16Operand(name: string): string {
    if (!this.isWeight(name)) return name;
    const { shape } = this.graph.weights.get(name)!.type;
    const floats = this.floats(name);
    const bits = new Uint16Array(floats.length);
    for (let i = 0; i < bits.length; i++) bits[i] = cvBf16Bits(floats[i]!);
    return this.addWeight(name, 'bf16', { shape, dtype: 'bf16' }, bits);
  }

  /** A table of 256 bfloat16 values of the operator `owner`. */
  addTable(owner: string, suffix: string, bits: Uint16Array): string {
    return this.addWeight(owner, `${suffix}_bf16`, { shape: [1, 1, 32, 8], dtype: 'bf16' }, bits);
  }

  bf16Type(name: string): TensorType {
    return this.floatType(name, 'bf16');
  }
}
