import { f16Bits, type KnownOp, scaleOfInt16Output, type TensorType } from '@q/ir';
import { LoweringContext, type LoweringSources } from '@q/ir/lowering';
import type { Processor } from '../processors.ts';

/** The lowering context of this family: knows the processor, narrows weights to binary16. */
export class Bm168xContext extends LoweringContext {
  readonly processor: Processor;
  /** Operators whose results are 16-bit codes. */
  readonly #int16: ReadonlySet<string>;

  constructor(sources: LoweringSources, processor: Processor, int16: ReadonlySet<string> = new Set()) {
    super(sources);
    this.processor = processor;
    this.#int16 = int16;
  }

  /** Quantizer and type of the result of a Conv or MatMul: 16-bit codes have a finer scale (numerics.md 5). */
  resultOf(op: KnownOp): { readonly scale: number; readonly type: TensorType } {
    const { scale: scale8, signed } = this.quantizerOf(op.name, op);
    const type = this.codeType(op.name, op);
    if (!this.#int16.has(op.name)) return { scale: scale8, type };
    const scale = scaleOfInt16Output(scale8);
    const quantization = { kind: 'uniform', expressed: 'f32', scale, zeroPoint: 0 } as const;
    return { scale, type: { shape: type.shape, dtype: signed ? 'i16' : 'u16', quantization } };
  }

  /** An operand as an operator in `dtype` reads it: weights narrowed, values as they are. */
  floatOperand(name: string, dtype: 'f16' | 'f32'): string {
    if (!this.isWeight(name)) return name;
    if (dtype === 'f32') return this.keepWeight(name);
    const { shape } = this.graph.weights.get(name)!.type;
    return this.addWeight(name, 'f16', { shape, dtype: 'f16' }, Uint16Array.from(this.floats(name), f16Bits));
  }
}
