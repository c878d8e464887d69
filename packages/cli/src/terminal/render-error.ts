import { type Issue, isQError } from '@q/ir';

/** At most this many issues of one file are printed; the rest is counted. */
const SHOWN_ISSUES = 20;

/** What a user sees of a failure: message, facts, hint. Never a stack trace, unless `Q_DEBUG` is set. */
export function renderError(error: unknown, debug: boolean): string {
  if (!isQError(error)) {
    const text = error instanceof Error ? error.message : String(error);
    const trace = debug && error instanceof Error ? `\n${error.stack ?? ''}` : '';
    return `error: internal error: ${text}${trace}\n  hint: this is a defect of @q; run again with Q_DEBUG=1 for the details to report`;
  }
  const lines = [`error: ${error.message} [${error.code}]`];
  if (error.issues.length > 1) {
    for (const issue of error.issues.slice(0, SHOWN_ISSUES)) lines.push(`  - ${renderIssue(issue)}`);
    if (error.issues.length > SHOWN_ISSUES) lines.push(`  … and ${error.issues.length - SHOWN_ISSUES} more`);
  } else {
    for (const key of ['where', 'found', 'expected'] as const)
      if (error[key] !== undefined) lines.push(`  ${key}: ${error[key]}`);
  }
  if (error.hint !== undefined) lines.push(`  hint: ${error.hint}`);
  if (debug && error.stack !== undefined) lines.push(error.stack);
  return lines.join('\n');
}

function renderIssue(issue: Issue): string {
  const facts = [
    issue.where,
    issue.found && `found ${issue.found}`,
    issue.expected && `expected ${issue.expected}`,
    issue.hint,
  ];
  return `${issue.code}: ${facts.filter((fact) => fact !== undefined && fact !== '').join('; ')}`;
}
