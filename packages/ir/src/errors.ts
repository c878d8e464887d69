/**
 * Every failure of every `@q` package that a user can cause is a `QError`: data first, text second.
 *
 * `code` is dotted (`onnx.unsupported-operator`); the codes are listed in the README of the package that
 * raises them. Readers and verifiers collect all issues of a file and throw one error that carries them.
 */
export interface Issue {
  /** Dotted code from the documented table, e.g. `npz.truncated`. */
  readonly code: string;
  /** File, byte offset, line, layer or flag: where the problem is. */
  readonly where?: string;
  /** What was found there. */
  readonly found?: string;
  /** What would have been right. */
  readonly expected?: string;
  /** What to do about it. */
  readonly hint?: string;
}

export class QError extends Error implements Issue {
  readonly code: string;
  readonly where?: string;
  readonly found?: string;
  readonly expected?: string;
  readonly hint?: string;
  /** All problems of the file, when more than one was found; the first one is also this error's own data. */
  readonly issues: readonly Issue[];

  constructor(message: string, issue: Issue, options?: { cause?: unknown; issues?: readonly Issue[] }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'QError';
    this.code = issue.code;
    if (issue.where !== undefined) this.where = issue.where;
    if (issue.found !== undefined) this.found = issue.found;
    if (issue.expected !== undefined) this.expected = issue.expected;
    if (issue.hint !== undefined) this.hint = issue.hint;
    this.issues = options?.issues ?? [issue];
  }
}

/** Recognises errors across duplicated package copies and worker boundaries, where `instanceof` fails. */
export function isQError(error: unknown): error is QError {
  return error instanceof Error && error.name === 'QError' && typeof (error as { code?: unknown }).code === 'string';
}
