import { type Issue, isQError, QError } from '@q/ir';

/** An error as plain data: structured cloning keeps neither class nor fields of a `QError`. */
export interface PlainError {
  readonly message: string;
  readonly issue: Issue;
  readonly issues: readonly Issue[];
}

export function toPlainError(error: unknown): PlainError {
  if (isQError(error)) {
    const { message, code, where, found, expected, hint, issues } = error;
    const issue = {
      code,
      ...(where === undefined ? {} : { where }),
      ...(found === undefined ? {} : { found }),
      ...(expected === undefined ? {} : { expected }),
      ...(hint === undefined ? {} : { hint }),
    };
    return { message, issue, issues: [...issues] };
  }
  const message = error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error);
  const issue = { code: 'calib.worker', found: message };
  return { message: `A worker failed: ${message}`, issue, issues: [issue] };
}

export function fromPlainError({ message, issue, issues }: PlainError): QError {
  return new QError(message, issue, { issues });
}
