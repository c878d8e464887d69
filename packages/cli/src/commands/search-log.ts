import { type ReportLine, timeLine } from '@q/search';
import type { Terminal } from '../terminal/terminal.ts';
import { StepLog } from './step-log.ts';

/** Writes a search's log file, and prints what of it belongs on the console. */
export class SearchLog {
  readonly #paths: readonly string[];
  readonly #terminal: Terminal;
  readonly #start = performance.now();

  /** @param paths the log's names: the manual and the code of the original may differ */
  constructor(terminal: Terminal, ...paths: readonly string[]) {
    this.#terminal = terminal;
    this.#paths = paths;
  }

  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  write(lines: readonly ReportLine[]): void {
    const logs = this.#paths.map((path) => new StepLog(path));
    const listeners = logs.map((log) => log.listen(() => {}));
    for (const { text, shown } of lines) {
      for (const listen of listeners) listen({ type: 'line', text });
      if (shown) this.#terminal.print(text);
    }
    for (const log of logs) log.write();
  }

  /** The total time so far, as the last line of a search's report. */
  timeLine(): ReportLine {
    return { text: timeLine(this.seconds), shown: true };
  }
}
