/** Something that looks like a mistake. It is only ever a warning: every one of them can be meant. */
export interface Finding {
  /** `doctor.duplicates` */
  readonly code: string;
  /** Sample, layer or input. */
  readonly where: string;
  readonly message: string;
  readonly hint: string;
}
