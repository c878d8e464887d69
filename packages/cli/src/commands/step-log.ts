import type { Emit } from '@q/ir';
import { writeFileWhole } from '../files/output-files.ts';

/** The log file of one step of a calibration, in the working directory, with the line format of TPU-MLIR. */
export class StepLog {
  readonly #path: string;
  readonly #lines: string[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** What is emitted goes on, and its lines are kept. */
  listen(emit: Emit): Emit {
    return (event) => {
      if (event.type === 'line') this.#lines.push(`INFO:root:${event.text}\n`);
      emit(event);
    };
  }

  write(): void {
    writeFileWhole(this.#path, this.#lines.join(''));
  }
}
