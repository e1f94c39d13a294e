import {
  type BinaryString,
  binaryToBytes,
  binaryToDisplayText,
  binaryToText,
} from '../../shared/binary-string.ts';
import type { DeadLetter, Unapplied } from '../../shared/dead-letter.ts';
import { decodeMessagePack } from '../../shared/wire/decode-messagepack.ts';
import { messageMapToJson } from '../../shared/wire/json.ts';
import type { Output } from '../context.ts';
import { errorMember, FailedWhileWriting } from './errors.ts';
import { count, printable } from './table.ts';

/** Writes dead letters one by one, so that memory stays flat for any number of them. */
export async function writeDeadLetters(
  output: Output,
  deadLetters: AsyncIterable<DeadLetter>,
  json: boolean,
): Promise<void> {
  if (json) {
    await writeJsonList(output, deadLetters);
    return;
  }
  let written = 0;
  for await (const deadLetter of deadLetters) {
    output.write(`${formatLine(deadLetter)}\n`);
    written += 1;
  }
  output.write(`${count(written, 'dead letter')}.\n`);
}

/** @throws FailedWhileWriting if not all dead letters can be read: the object then contains the error as well */
async function writeJsonList(output: Output, deadLetters: AsyncIterable<DeadLetter>): Promise<void> {
  let separator = '';
  output.write('{"deadLetters":[');
  try {
    for await (const { original: _, ...facts } of deadLetters) {
      output.write(`${separator}${JSON.stringify(facts)}`);
      separator = ',';
    }
  } catch (error) {
    output.write(`],${errorMember(error)}`);
    throw new FailedWhileWriting('not all dead letters can be read', { cause: error });
  }
  output.write(']}\n');
}

function formatLine({ stream, id, code, attempts, failedAt, message }: DeadLetter): string {
  const facts = `${stream}  ${id}  ${failedAt}  ${code}  ${count(attempts, 'attempt')}`;
  return printable(`${facts}  ${message}`);
}

/** Writes one dead letter in full. In JSON its original fields are base64. */
export function writeDeadLetter(output: Output, deadLetter: DeadLetter, json: boolean): void {
  output.write(json ? `${JSON.stringify(toJson(deadLetter))}\n` : formatDeadLetter(deadLetter));
}

function toJson({ original, ...facts }: DeadLetter): unknown {
  const fields = original.map(([name, value]) => [binaryToDisplayText(name), toBase64(value)]);
  return { ...facts, original: Object.fromEntries(fields) };
}

function formatDeadLetter(deadLetter: DeadLetter): string {
  const { stream, id, entry, group, code, message, attempts, failedAt, unapplied, original } = deadLetter;
  const lines: [string, string][] = [
    ['stream', stream],
    ['id', id],
    ['entry id', entry],
    ['group', group],
    ['code', code],
    ['message', message],
    ['attempts', String(attempts)],
    ['failed at', failedAt],
    ['remaining', formatUnapplied(unapplied)],
    ...original.map(([name, value]): [string, string] => [
      `original.${binaryToDisplayText(name)}`,
      formatValue(value),
    ]),
  ];
  return lines.map(([name, value]) => `${printable(name).padEnd(12)}  ${printable(value)}\n`).join('');
}

function formatUnapplied({ all, statements, logs, dirty, cacheKeys }: Unapplied): string {
  if (all) return 'everything';
  const lists = [
    ['statements', statements],
    ['log rows', logs],
    ['dirty events', dirty],
    ['cache keys', cacheKeys],
  ] as const;
  const parts = lists.filter(([, indexes]) => indexes.length > 0);
  return parts.map(([name, indexes]) => `${name} ${indexes.join(', ')}`).join('; ') || 'nothing';
}

/** JSON if the value is MessagePack, text if it is UTF-8, otherwise base64. */
function formatValue(value: BinaryString): string {
  const decoded = decodeMessagePack(binaryToBytes(value));
  if (decoded.ok && decoded.value instanceof Map) return messageMapToJson(decoded.value);
  return binaryToText(value) ?? toBase64(value);
}

function toBase64(value: BinaryString): string {
  return binaryToBytes(value).toString('base64');
}
