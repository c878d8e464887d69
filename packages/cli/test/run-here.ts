import type { QEvent } from '@q/ir';
import { runWords } from '../src/run-words.ts';
import type { Terminal } from '../src/terminal/terminal.ts';

export interface HereOutcome {
  readonly status: number;
  /** What would be on stdout, without the last line end. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process, from sources. Paths are relative to the test's own working directory: give full ones. */
export async function runHere(...words: readonly string[]): Promise<HereOutcome> {
  const [out, err]: [string[], string[]] = [[], []];
  const terminal: Terminal = {
    print: (line) => void out.push(line),
    warn: (line) => void err.push(line),
    emit(event: QEvent) {
      if (event.type === 'line') out.push(event.text);
      if (event.type === 'warning') err.push(`warning: ${event.where ?? ''}: ${event.message}`);
    },
    settle: () => {},
  };
  const status = await runWords(words, terminal);
  return { status, stdout: out.join('\n'), stderr: err.join('\n') };
}
