import { asBinary, type BinaryString } from '../../../../shared/binary-string.ts';
import type { FieldType } from '../../../../shared/search-settings.ts';
import type { UnixTime } from './unix-time.ts';

/** The number that BeeORM writes for NULL: Go's minimum 64-bit integer plus one. */
const NULL_NUMBER = '-9223372036854775807';
const NULL_TEXT = 'NULL';

/** The characters that RediSearch treats as syntax in a query. */
const SPECIAL = /[,.<>{}[\]"':;!@#$%^&*()\-+=~/`\\|?]/g;

/** The value of a column as BeeORM writes it into a document. `null` is SQL NULL. */
export function documentValue(type: FieldType, value: BinaryString | null, unixTime: UnixTime): BinaryString {
  // The text consists of ASCII and of bytes of the value, so each of its characters is one byte.
  return asBinary(value === null ? nullValue(type) : writtenValue(type, value, unixTime));
}

function nullValue(type: FieldType): string {
  switch (type) {
    case 'integer':
    case 'float':
    case 'time':
      return NULL_NUMBER;
    case 'text':
    case 'bool':
      return NULL_TEXT;
    case 'references':
      return '';
  }
}

function writtenValue(type: FieldType, value: BinaryString, unixTime: UnixTime): string {
  switch (type) {
    case 'integer':
      return BigInt(value).toString();
    case 'float':
      return plainDecimal(Number(value));
    case 'time':
      return String(unixTime.secondsOf(value));
    case 'text':
      return escapeText(value);
    case 'bool':
      return String(Number(value) !== 0);
    case 'references':
      return references(value);
  }
}

/** `_` is special only if it is the whole text. */
function escapeText(text: string): string {
  return text === '_' ? '\\_' : text.replace(SPECIAL, '\\$&');
}

/** Writes `[1, 2]` as `e1 e2`: a TEXT field indexes words. */
function references(json: string): string {
  return `e${json.slice(1, -1).replaceAll(/, ?/g, ' e')}`;
}

/** The shortest decimal that parses to the same number, without an exponent. */
function plainDecimal(number: number): string {
  const sign = number < 0 || Object.is(number, -0) ? '-' : '';
  const [mantissa = '0', exponent = '0'] = String(Math.abs(number)).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return `${sign}${digits}${'0'.repeat(point - digits.length)}`;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
