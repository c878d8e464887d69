import { pythonFloat } from '../tensor-match.ts';

/** A string as Python's `repr` prints it. */
export function pythonString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`);
  return `${quote}${escaped}${quote}`;
}

/** `['KL', 'MSE']` */
export function pythonList(items: readonly string[]): string {
  return `[${items.map(pythonString).join(', ')}]`;
}

/** `{'KL': 0.98, 'MSE': 1.0}` */
export function pythonNumbers(entries: readonly (readonly [name: string, value: number])[]): string {
  return `{${entries.map(([name, value]) => `${pythonString(name)}: ${pythonFloat(value)}`).join(', ')}}`;
}
