import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { SQSMessageAttribute, SQSMessageAttributes } from 'aws-lambda';
import { timeOfStreamId } from '../../../../shared/stream-id.ts';
import type { StreamEntry } from '../../redis/stream-entry.ts';
import { REDRIVE_FIELDS } from '../../settlement/dead-letter-entry.ts';
import type { EntryBody } from './entry-body.ts';
import type { EntryRecord } from './entry-handler.ts';

const EVENT_SOURCE = 'redis:stream';

/** The attempt that a record belongs to. */
export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly firstDeliveredAt: number;
}

/** An ARN-like name for a stream's group. */
export function sourceName(pool: string, stream: string, group: string): string {
  return `${EVENT_SOURCE}:${pool}:${stream}:${group}`;
}

/** The entry as SQS would deliver it. Attributes that Redis does not store (sender, region) are empty. */
export function entryRecord(
  entry: StreamEntry,
  body: EntryBody,
  source: string,
  orderKey: string | undefined,
  attempt: Attempt,
): EntryRecord {
  return {
    messageId: entry.id,
    receiptHandle: entry.id,
    body: body.text,
    attributes: {
      ApproximateReceiveCount: String(attempt.number),
      ApproximateFirstReceiveTimestamp: String(attempt.firstDeliveredAt),
      SentTimestamp: String(timeOfStreamId(entry.id)),
      SenderId: '',
      ...(orderKey === undefined ? {} : { MessageGroupId: orderKey }),
      bodyEncoding: body.encoding,
    },
    messageAttributes: messageAttributes(entry),
    md5OfBody: createHash('md5').update(body.text).digest('hex'),
    eventSource: EVENT_SOURCE,
    eventSourceARN: source,
    awsRegion: '',
  };
}

/** All fields except the body and those that a redrive adds. If a name occurs twice, the first value is used. */
function messageAttributes({ fields = [] }: StreamEntry): SQSMessageAttributes {
  const attributes = new Map<string, SQSMessageAttribute>();
  for (const [nameBytes, value] of fields) {
    const name = nameBytes.toString('utf8');
    if (name === 's' || REDRIVE_FIELDS.has(name) || attributes.has(name)) continue;
    attributes.set(name, messageAttribute(value));
  }
  return Object.fromEntries(attributes);
}

function messageAttribute(value: Buffer): SQSMessageAttribute {
  const lists = { stringListValues: [], binaryListValues: [] };
  return isUtf8(value)
    ? { stringValue: value.toString('utf8'), ...lists, dataType: 'String' }
    : { binaryValue: value.toString('base64'), ...lists, dataType: 'Binary' };
}
