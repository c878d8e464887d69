import { QError } from '@q/ir';
import type { Namespace } from 'argparse';

/** Parsed flags of one command, read with their type; a wrong value is an error that names the flag. */
export class Arguments {
  readonly #values: Namespace;
  readonly #extra: readonly string[];

  constructor(values: Namespace, extra: readonly string[] = []) {
    this.#values = values;
    this.#extra = extra;
  }

  /** Words that no flag of the command took (only for commands that accept and ignore some). */
  get extra(): readonly string[] {
    return this.#extra;
  }

  /** The same flags, one of them as if given otherwise. */
  with(name: string, value: string): Arguments {
    return new Arguments({ ...this.#values, [name]: value }, this.#extra);
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** Was the flag on the command line? (For flags whose default is `null`.) */
  isGiven(name: string): boolean {
    const value: unknown = this.#values[name];
    return value !== null && value !== undefined;
  }

  string(name: string): string {
    const value: unknown = this.#values[name];
    if (typeof value !== 'string' || value === '') {
      throw new QError(`--${name} is missing`, { code: 'cli.missing-flag', where: `--${name}`, expected: 'a value' });
    }
    return value;
  }

  optionalString(name: string): string | undefined {
    const value: unknown = this.#values[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  /** A whole number of at least `minimum`. */
  integer(name: string, minimum = 0): number {
    const value: unknown = this.#values[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < minimum) {
      throw new QError(`--${name} is ${String(value)}; a whole number of at least ${minimum} is expected`, {
        code: 'cli.bad-flag-value',
        where: `--${name}`,
        found: String(value),
        expected: `a whole number >= ${minimum}`,
      });
    }
    return value;
  }

  /** A number of which `isValid` holds. */
  real(name: string, isValid: (value: number) => boolean, expected: string): number {
    const value: unknown = this.#values[name];
    if (typeof value === 'number' && Number.isFinite(value) && isValid(value)) return value;
    throw new QError(`--${name} is ${String(value)}; ${expected} is expected`, {
      code: 'cli.bad-flag-value',
      where: `--${name}`,
      found: String(value),
      expected,
    });
  }

  /** Whether a flag that takes several words was there at all, with or without any. */
  given(name: string): boolean {
    return Array.isArray(this.#values[name]);
  }

  /** The words of a flag that takes several. */
  words(name: string): string[] {
    const value: unknown = this.#values[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  /** Comma-separated words without spaces: `a,b`. */
  list(name: string): string[] {
    const text = this.optionalString(name);
    return text === undefined
      ? []
      : text
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== '');
  }

  /** Comma-separated numbers: `123.675,116.28,103.53`. */
  numbers(name: string): number[] | undefined {
    const text = this.optionalString(name);
    if (text === undefined) return undefined;
    const numbers = text.split(',').map((item) => Number(item));
    const bad = numbers.findIndex((number, index) => !Number.isFinite(number) || text.split(',')[index]!.trim() === '');
    if (bad >= 0) {
      throw new QError(`--${name} is "${text}"; comma-separated numbers are expected`, {
        code: 'cli.bad-flag-value',
        where: `--${name}`,
        found: text,
        expected: 'numbers separated by commas, e.g. 127.5,127.5,127.5',
      });
    }
    return numbers;
  }

  /**
   * Shapes in Python's list form: `[[1,3,224,224]]`, `[[1,3,8,8],[1,10]]`; a flat `[1,3,224,224]` is wrapped once
   * (cli.md section 1).
   */
  shapes(name: string): number[][] | undefined {
    const text = this.optionalString(name);
    if (text === undefined || text.replace(/\s/g, '') === '[]') return undefined;
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      parsed = undefined;
    }
    const isShape = (value: unknown): value is number[] =>
      Array.isArray(value) && value.every((dim) => typeof dim === 'number' && Number.isSafeInteger(dim) && dim > 0);
    if (isShape(parsed) && parsed.length > 0) return [parsed];
    if (Array.isArray(parsed) && parsed.length > 0 && parsed.every(isShape)) return parsed as number[][];
    throw new QError(`--${name} is "${text}"; a list of shapes is expected`, {
      code: 'cli.bad-flag-value',
      where: `--${name}`,
      found: text,
      expected: 'positive whole numbers such as [[1,3,224,224]]',
      hint: 'quote it where the shell treats brackets specially',
    });
  }
}
