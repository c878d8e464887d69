/** A command of the manual with what it prints. */
export interface Step {
  /** One command line; continuation lines are joined. */
  readonly command: string;
  /** The same as the manual breaks it. */
  readonly lines: readonly string[];
  /** Lines of the manual between the command and the next one; `...` stands for any number of lines. */
  readonly printed: readonly string[];
}

/** A piece of the manual: text as it stands, or a console block. */
export type Piece = { readonly text: string } | { readonly steps: readonly Step[] };

const OPEN = '```console';
const ANY = '...';

/** Splits a manual into its console blocks and what lies between them. */
export function parseManual(text: string): Piece[] {
  const pieces: Piece[] = [];
  const lines = text.split('\n');
  let rest: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    rest.push(lines[at]!);
    if (lines[at] !== OPEN) continue;
    const end = lines.indexOf('```', at);
    pieces.push({ text: rest.join('\n') }, { steps: stepsOf(lines.slice(at + 1, end)) });
    rest = [];
    at = end - 1;
  }
  return [...pieces, { text: rest.join('\n') }];
}

/** The manual again. */
export function printManual(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) =>
      'text' in piece ? piece.text : piece.steps.flatMap((step) => [...step.lines, ...step.printed]).join('\n'),
    )
    .join('\n');
}

function stepsOf(source: readonly string[]): Step[] {
  const steps: { lines: string[]; printed: string[] }[] = [];
  for (const line of source) {
    const last = steps.at(-1);
    if (line.startsWith('$ ')) steps.push({ lines: [line], printed: [] });
    else if (last!.printed.length === 0 && last!.lines.at(-1)!.endsWith('\\')) last!.lines.push(line);
    else last!.printed.push(line);
  }
  return steps.map((step) => ({ ...step, command: commandOf(step.lines) }));
}

function commandOf(lines: readonly string[]): string {
  return lines.map((line) => line.replace(/^\$ /, '').replace(/\\$/, '').trim()).join(' ');
}

/** Times and versions, which differ from run to run, are not compared. */
export function masked(line: string): string {
  return line
    .replace(/^(total time|auto tune end, run time):[\d.e-]+/, '$1:T')
    .replace(/^TPU-MLIR .*/, 'TPU-MLIR VERSION')
    .trimEnd();
}

/** Whether what was printed is what the manual shows. */
export function agrees(printed: readonly string[], shown: readonly string[]): boolean {
  const at = shown.indexOf(ANY);
  if (at < 0) return printed.length === shown.length && shown.every((line, i) => masked(line) === masked(printed[i]!));
  const [head, tail] = [shown.slice(0, at), shown.slice(at + 1)];
  if (printed.length < head.length + tail.length) return false;
  const last = printed.slice(printed.length - tail.length);
  return [...head, ...tail].every(
    (line, i) => masked(line) === masked([...printed.slice(0, head.length), ...last][i]!),
  );
}

/** What the manual should show: as many lines before and after the omission as it has now. */
export function shownOf(printed: readonly string[], { printed: now }: Step): string[] {
  const at = now.indexOf(ANY);
  const tail = now.length - at - 1;
  if (at < 0 || printed.length <= at + tail) return [...printed];
  return [...printed.slice(0, at), ANY, ...printed.slice(printed.length - tail)];
}
