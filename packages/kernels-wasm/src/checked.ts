import { KernelError } from './error.ts';
import type { KernelExports } from './exports.ts';
import { signatures } from './signatures.ts';

/**
 * The same exports with their arguments looked at, and traps turned into errors: for hosts that do not know their shapes as
 * well as a planner does. A call costs a fraction of a microsecond more. What is not seen: a pointer into somebody else's
 * room.
 *
 * @throws KernelError `kernels.call.arguments` (their number or type, a size that 32 bits do not hold),
 * `kernels.call.trap` (an access beyond the memory, an unknown op code, a size of zero where one divides).
 */
export function checkedExports(exports: KernelExports): KernelExports {
  const checked: Record<string, unknown> = { memory: exports.memory };
  for (const [name, call] of Object.entries(exports)) {
    if (typeof call === 'function') checked[name] = checkedCall(name, call as KernelCall);
  }
  return checked as unknown as KernelExports;
}

type KernelCall = (...values: readonly number[]) => number | undefined;

function checkedCall(name: string, call: KernelCall): KernelCall {
  const types = signatures[name] ?? '';
  return (...values) => {
    if (values.length !== types.length) throw wrongArguments(name, `${values.length} arguments`, `${types.length}`);
    for (let i = 0; i < types.length; i++) {
      const value: unknown = values[i];
      if (types[i] === 'i' ? !fitsInteger(value) : typeof value !== 'number')
        throw wrongArguments(
          name,
          `${value} as argument ${i}`,
          types[i] === 'i' ? 'a whole number of 32 bits' : 'a number',
        );
    }
    try {
      return call(...values);
    } catch (cause) {
      throw trapped(name, values, cause);
    }
  };
}

/** Signed and unsigned alike: addresses above 2^31 may be written either way. */
function fitsInteger(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= -(2 ** 31) && (value as number) < 2 ** 32;
}

function wrongArguments(where: string, found: string, expected: string): KernelError {
  return new KernelError(`${where} was called with ${found}`, {
    code: 'kernels.call.arguments',
    where,
    found,
    expected,
  });
}

function trapped(where: string, values: readonly number[], cause: unknown): KernelError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new KernelError(
    `${where} trapped: ${reason}`,
    {
      code: 'kernels.call.trap',
      where,
      found: `${where}(${values.join(', ')})`,
      expected: 'what ABI.md asks of the arguments',
    },
    { cause },
  );
}
