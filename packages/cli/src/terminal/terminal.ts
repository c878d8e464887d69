import type { QEvent } from '@q/ir';
import { SingleBar } from 'cli-progress';

/** Where a command prints. Progress goes to stderr, results to stdout, so that output can be piped. */
export interface Terminal {
  /** One line of output. */
  print(line: string): void;
  /** One line on stderr. */
  warn(line: string): void;
  /** Renders an event of a package: progress bar, warning, or a line of the original tool. */
  emit(event: QEvent): void;
  /** Ends a progress bar that is on screen. */
  settle(): void;
}

/** Progress as a bar on a terminal; as one line per task, with its end, in a pipe or a log. */
export function createTerminal(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Terminal {
  let bar: { task: string; view: SingleBar } | undefined;
  let logged: { task: string; decile: number } | undefined;

  function settle(): void {
    bar?.view.stop();
    bar = undefined;
  }

  function showProgress(event: Extract<QEvent, { type: 'progress' }>): void {
    if (!stderr.isTTY) {
      const decile = event.total === 0 ? 10 : Math.floor((10 * event.done) / event.total);
      if (logged?.task === event.task && decile < logged.decile + 5 && event.done < event.total) return;
      if (logged?.task === event.task && decile === logged.decile) return;
      logged = { task: event.task, decile };
      stderr.write(`${event.task}: ${event.done}/${event.total}\n`);
      return;
    }
    if (bar?.task !== event.task) {
      settle();
      const view = new SingleBar({
        stream: stderr,
        format: '{task} |{bar}| {value}/{total} {eta_formatted} {label}',
        hideCursor: false,
        clearOnComplete: false,
        barsize: 28,
      });
      view.start(event.total, event.done, { task: event.task, label: event.label ?? '' });
      bar = { task: event.task, view };
    }
    bar.view.setTotal(event.total);
    bar.view.update(event.done, { task: event.task, label: event.label ?? '' });
    if (event.done >= event.total) settle();
  }

  function print(line: string): void {
    settle();
    stdout.write(`${line}\n`);
  }

  function warn(line: string): void {
    settle();
    stderr.write(`${line}\n`);
  }

  // Handed to packages as a bare function: it must not need `this`.
  function emit(event: QEvent): void {
    if (event.type === 'progress') showProgress(event);
    else if (event.type === 'line') print(event.text);
    else warn(`warning: ${event.where === undefined ? '' : `${event.where}: `}${event.message}`);
  }

  return { print, warn, emit, settle };
}
