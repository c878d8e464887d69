import type { ArgumentParser } from 'argparse';
import type { Arguments } from './arguments/arguments.ts';
import type { Terminal } from './terminal/terminal.ts';

/** A command as `q --help` lists it. The rest is loaded when it is called, so that `q` starts fast. */
export interface Command {
  readonly name: string;
  /** Other spellings, e.g. `run_calibration.py`. */
  readonly aliases: readonly string[];
  /** One line for `q --help`. */
  readonly summary: string;
  load(): Promise<CommandBody>;
}

/** What a command does: it declares its flags and wires packages together; it computes nothing itself. */
export interface CommandBody {
  declare(parser: ArgumentParser): void;
  /** Resolves to the exit status; throws a `QError` for everything that the user can put right. */
  run(args: Arguments, terminal: Terminal): Promise<number>;
}

/** Exit statuses of every command; printed by `q --help` and listed in the README. */
export const exitStatus = {
  ok: 0,
  /** The input, the model or a file is not usable; the message says which and what to do. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Ctrl-C. */
  interrupted: 130,
  /** A comparison was below its tolerance (`exit(-1)` of the original tools). */
  mismatch: 255,
} as const;
