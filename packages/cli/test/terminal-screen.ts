import { Writable } from 'node:stream';
import { createTerminal, type Terminal } from '../src/terminal/terminal.ts';

/** A stream that remembers what was written. */
class Screen extends Writable {
  readonly isTTY: boolean;
  readonly columns = 160;
  text = '';

  constructor(isTTY: boolean) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface Watched {
  /** Prints on a terminal and into pipes at once. */
  readonly terminal: Terminal;
  /** What was written to stderr of a terminal, control characters included. */
  readonly drawn: () => string;
  /** What was written to stdout and stderr, which were pipes. */
  readonly piped: () => { readonly stdout: string; readonly stderr: string };
}

/** A terminal and a pipe that get the same. */
export function watchTerminal(): Watched {
  const screens = [true, false].map((isTTY) => [new Screen(isTTY), new Screen(isTTY)] as const);
  const terminals = screens.map(([out, err]) =>
    createTerminal(out as unknown as NodeJS.WriteStream, err as unknown as NodeJS.WriteStream),
  );
  const each = (tell: (terminal: Terminal) => void): void => {
    for (const terminal of terminals) tell(terminal);
  };
  const [[, drawn], [stdout, stderr]] = screens as [(typeof screens)[0], (typeof screens)[0]];
  return {
    terminal: {
      print: (line) => each(({ print }) => print(line)),
      warn: (line) => each(({ warn }) => warn(line)),
      emit: (event) => each(({ emit }) => emit(event)),
      settle: () => each(({ settle }) => settle()),
    },
    drawn: () => drawn.text,
    piped: () => ({ stdout: stdout.text, stderr: stderr.text }),
  };
}

/** The text without what moves the cursor, a line per redraw. */
export function redraws(drawn: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal is controlled by
  return drawn.split(/(?:\x1b(?:\[[?\d;]*[A-Za-z]|[78])|[\r\n])+/).filter((line) => line.trim() !== '');
}
