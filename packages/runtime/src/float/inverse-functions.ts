import type { OpType } from '@q/ir';
import type { Implementations, OpImplementation } from '../implementation.ts';
import { acosh, asin, asinh, atan } from './elementary.ts';

/** A function of every element, in plain TypeScript. */
function mapped<T extends OpType>(f: (x: number) => number): OpImplementation<T> {
  return {
    sharing: () => ({ kind: 'inPlace', operands: [0] }),
    prepare(_op, context) {
      const [x, y] = [context.input(0), context.output()];
      return () => {
        const [from, to] = [x.f32(), y.f32()];
        for (let i = 0; i < to.length; i++) to[i] = f(from[i]!);
      };
    },
  };
}

export const inverseFunctionImplementations: Implementations = {
  'top.Arcsin': mapped(asin),
  'top.Arctan': mapped(atan),
  'top.Arcsinh': mapped(asinh),
  'top.Arccosh': mapped(acosh),
};
