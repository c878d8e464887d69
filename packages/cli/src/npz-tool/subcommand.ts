import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** One `npz_tool COMMAND`. */
export interface Subcommand {
  /** One line for `npz_tool --help`. */
  readonly summary: string;
  declare(parser: ArgumentParser): void;
  /** The exit status. */
  run(args: Arguments, terminal: Terminal): number;
}

/** Declares positional arguments: `name` is required, `name?` is not. */
export function positional(...names: readonly string[]): (parser: ArgumentParser) => void {
  return (parser) => {
    for (const name of names) {
      const isOptional = name.endsWith('?');
      const bare = isOptional ? name.slice(0, -1) : name;
      if (isOptional) parser.add_argument(bare, { nargs: '?', default: '' });
      else parser.add_argument(bare);
    }
  };
}
