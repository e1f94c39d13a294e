import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';

/** The event that BeeORM publishes for a changed row. An id above 2^53 - 1 is a string, because JSON parsers round it. */
interface DirtyEvent {
  readonly I: number | string;
  readonly A: 'i' | 'u' | 'd';
  readonly E: string;
}

const ACTIONS = { i: 'placed', u: 'changed', d: 'cancelled' };
const processor = new BatchProcessor(EventType.SQS);

/** May be called more than once with the same record; `messageId` identifies it. */
async function sendMail({ messageId, body, attributes }: SQSRecord): Promise<void> {
  const { I: order, A: action }: DirtyEvent = JSON.parse(body);
  if (order === 13) throw new Error('the customer has no mail address');
  // Standard output is reserved for the report: `drain --json` writes one JSON object there.
  console.error(
    `mail ${messageId}: order ${order} ${ACTIONS[action]} (attempt ${attributes.ApproximateReceiveCount})`,
  );
}

export const handler = (event: SQSEvent): Promise<SQSBatchResponse> =>
  processPartialResponse(event, sendMail, processor);
