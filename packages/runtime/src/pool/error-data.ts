import { type Issue, isQError, QError } from '@q/ir';

/** An error as plain data: error objects lose their fields on the way between threads. */
export interface ErrorData {
  readonly message: string;
  readonly stack?: string;
  readonly issues?: readonly Issue[];
}

export function toErrorData(error: unknown): ErrorData {
  if (!(error instanceof Error)) return { message: String(error) };
  const stack = error.stack === undefined ? {} : { stack: error.stack };
  return { message: error.message, ...stack, ...(isQError(error) && { issues: error.issues }) };
}

/** The same error in this thread; its cause keeps the other thread's stack. */
export function fromErrorData({ message, stack, issues }: ErrorData): Error {
  const cause = new Error(message);
  if (stack !== undefined) cause.stack = stack;
  const first = issues?.[0];
  return first === undefined ? new Error(message, { cause }) : new QError(message, first, { issues: issues!, cause });
}
