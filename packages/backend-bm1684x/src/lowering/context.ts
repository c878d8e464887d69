import { f16Bits } from '@q/ir';
import { LoweringContext, type LoweringSources } from '@q/ir/lowering';
import type { Processor } from '../processors.ts';

/** The lowering context of this family: knows the processor, narrows weights to binary16. */
export class Bm168xContext extends LoweringContext {
  readonly processor: Processor;

  constructor(sources: LoweringSources, processor: Processor) {
    super(sources);
    this.processor = processor;
  }

  /** An operand as an operator in `dtype` reads it: weights narrowed, values as they are. */
  floatOperand(name: string, dtype: 'f16' | 'f32'): string {
    if (!this.isWeight(name)) return name;
    if (dtype === 'f32') return this.keepWeight(name);
    const { shape } = this.graph.weights.get(name)!.type;
    return this.addWeight(name, 'f16', { shape, dtype: 'f16' }, Uint16Array.from(this.floats(name), f16Bits));
  }
}
