import { createHash } from 'node:crypto';
import type { BatchRequest } from '../../shared/protocol.ts';

/** What a batch's number stands for: SHA-256 of its entries and statements, in hexadecimal. */
export function contentHash(request: BatchRequest): string {
  const parts: string[] = [request.entries];
  for (const { sql } of request.items) parts.push(`\n${sql.length} `, sql);
  return createHash('sha256').update(parts.join(''), 'latin1').digest('hex');
}
