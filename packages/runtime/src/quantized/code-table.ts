import type { PrepareContext, RunOp } from '../implementation.ts';
import { codesIn } from './codes.ts';

/** f of every code of a byte, in the order in which `lut_x8` looks: by raw byte. */
export function byteTable(signed: boolean, f: (code: number) => number): number[] {
  return Array.from({ length: 256 }, (_, index) => f(signed && index > 127 ? index - 256 : index));
}

/** Bytes of the codes that `f` answers. */
export function codeBytes(signed: boolean, f: (code: number) => number): Uint8Array {
  // A negative code wraps to its two's complement.
  return Uint8Array.from(byteTable(signed, f));
}

/**
 * Applies a function of one code to every element: through a table of 256 entries for bytes, which then is the function
 * itself, evaluated once per possible code.
 */
export function mapCodes(context: PrepareContext, f: (code: number) => number): RunOp {
  const { kernels } = context;
  const [x, y] = [context.input(0), context.output()];
  const isByte = (dtype: string): boolean => dtype === 'i8' || dtype === 'u8';
  if (isByte(x.dtype) && isByte(y.dtype)) {
    const table = context.place(codeBytes(x.dtype === 'i8', f));
    return () => kernels.lut_x8(x.ptr, table.ptr, y.ptr, y.length);
  }
  return () => {
    const [from, to] = [x.view(), y.view()];
    for (let i = 0; i < from.length; i++) to[i] = f(from[i]!);
  };
}

/** `run`, then a Relu on the codes of the result: for operators that move codes and had one fused into them. */
export function withCodeRelu(context: PrepareContext, doRelu: boolean, run: RunOp): RunOp {
  const y = context.output();
  const { signed, zero } = codesIn(y);
  if (!doRelu || !signed) return run;
  const { kernels } = context;
  const table = context.place(codeBytes(signed, (code) => Math.max(code, zero)));
  return () => {
    run();
    kernels.lut_x8(y.ptr, table.ptr, y.ptr, y.length);
  };
}
