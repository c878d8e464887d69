import { nearest } from '@q/ir';
import { ArgumentParser, RawDescriptionHelpFormatter } from 'argparse';
import type { Command, CommandBody } from '../command.ts';
import { Arguments } from './arguments.ts';

/** The command line is wrong: the message and the usage to show with it. */
export class UsageError extends Error {
  readonly usage: string;
  constructor(message: string, usage: string) {
    super(message);
    this.name = 'UsageError';
    this.usage = usage;
  }
}

/** `--help` was asked for: `text` is what to print. */
export class HelpRequested extends Error {
  readonly text: string;
  constructor(text: string) {
    super('help');
    this.name = 'HelpRequested';
    this.text = text;
  }
}

/** argparse as the original tools use it (unique prefixes, `--flag=value`), but it throws instead of ending the process. */
class CommandParser extends ArgumentParser {
  override error(message: string): never {
    throw new UsageError(withSuggestions(message, optionStringsOf(this)), this.format_usage());
  }

  override exit(_status?: number, message?: string): never {
    throw new HelpRequested(message ?? '');
  }

  override print_help(): void {
    throw new HelpRequested(this.format_help());
  }
}

function optionStringsOf(parser: ArgumentParser): string[] {
  return [...parser.format_help().matchAll(/(?<![\w-])--[A-Za-z][\w-]*/g)].map((match) => match[0]);
}

/** "unrecognized arguments: --inputnum 3" gains "did you mean --input_num?". */
function withSuggestions(message: string, options: readonly string[]): string {
  const unknown = message.match(/^unrecognized arguments: (.*)$/);
  if (!unknown) return message;
  const suggestions = unknown[1]!
    .split(' ')
    .filter((word) => word.startsWith('-'))
    .map((word) => nearest(word.split('=')[0]!, options))
    .filter((suggestion) => suggestion !== undefined);
  return suggestions.length === 0 ? message : `${message} (did you mean ${[...new Set(suggestions)].join(', ')}?)`;
}

/** Parses the words after the command's name. */
export function parseArguments(command: Command, body: CommandBody, words: readonly string[]): Arguments {
  const parser = new CommandParser({
    prog: `q ${command.name}`,
    description: command.summary,
    formatter_class: RawDescriptionHelpFormatter,
    color: false,
  });
  body.declare(parser);
  return new Arguments(parser.parse_args([...words]));
}
