/** A line of a search's log file; `shown` lines are on the console, too. */
export interface ReportLine {
  readonly text: string;
  readonly shown: boolean;
}

export function logged(...texts: readonly string[]): ReportLine[] {
  return texts.map((text) => ({ text, shown: false }));
}

export function shown(...texts: readonly string[]): ReportLine[] {
  return texts.map((text) => ({ text, shown: true }));
}
