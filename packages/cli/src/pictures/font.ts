/**
 * A 5x7 face for the printable ASCII signs, drawn for this project: seven rows per sign, each five pixels as one digit of base 32.
 * From the space to the tilde, in the order of ASCII.
 */
const SIGNS: readonly string[] = [
  '0000000', // space
  '4444404',
  'aa00000',
  'aavavaa',
  '4fke5u4',
  'op248j3',
  'cik8lid',
  '4400000',
  '2488842',
  '8422248',
  '04lel40',
  '044v440',
  '0000648',
  '000v000',
  '00000cc',
  '11248gg',
  'ehjlphe', // 0
  '4c4444e',
  'eh1248v',
  'v2421he',
  '26aiv22',
  'vgu11he',
  '68guhhe',
  'v124888',
  'ehhehhe',
  'ehhf12c',
  '0cc0cc0', // :
  '0cc0c48',
  '248g842',
  '00v0v00',
  '8421248',
  'eh12404',
  'eh1dlle',
  'ehhvhhh', // A
  'uhhuhhu',
  'ehggghe',
  'sihhhis',
  'vgguggv',
  'vgguggg',
  'ehgnhhf',
  'hhhvhhh',
  'e44444e',
  '72222ic',
  'hikokih',
  'ggggggv',
  'hrllhhh',
  'hhpljhh',
  'ehhhhhe',
  'uhhuggg',
  'ehhhlid',
  'uhhukih',
  'fgge11u',
  'v444444',
  'hhhhhhe',
  'hhhhha4',
  'hhhllla',
  'hha4ahh',
  'hhha444',
  'v1248gv',
  'e88888e', // [
  'gg84211',
  'e22222e',
  '4ah0000',
  '000000v',
  '8400000',
  '00e1fhf', // a
  'ggmphhu',
  '00egghe',
  '11djhhf',
  '00ehvge',
  '698s888',
  '0fhhf1e',
  'ggmphhh',
  '40c444e',
  '20622ic',
  'ggikoki',
  'c44444e',
  '00qllhh',
  '00mphhh',
  '00ehhhe',
  '00uhugg',
  '00djf11',
  '00mpggg',
  '00ege1u',
  '88s8896',
  '00hhhjd',
  '00hhha4',
  '00hhlla',
  '00ha4ah',
  '00hhf1e',
  '00v248v',
  '2448442', // {
  '4444444',
  '8442448',
  '008l200',
];

export const SIGN_WIDTH = 5;
export const SIGN_HEIGHT = 7;

/** Whether a pixel of a sign is ink; what is not ASCII shows as a question mark. */
export function isInk(sign: string, column: number, row: number): boolean {
  const rows = SIGNS[sign.codePointAt(0)! - 32] ?? SIGNS['?'.codePointAt(0)! - 32]!;
  return ((Number.parseInt(rows[row]!, 32) >> (SIGN_WIDTH - 1 - column)) & 1) === 1;
}
