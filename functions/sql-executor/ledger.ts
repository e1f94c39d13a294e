import { ascii } from '../../shared/binary-string.ts';
import type { BatchKey, ExecutorReply } from '../../shared/protocol.ts';
import { highestStreamIds } from '../../shared/stream-id.ts';
import { isDuplicateEntry, isMysqlError } from './error-classes.ts';
import { type LedgerOwner, type LedgerSql, toFoundBatch, toLedgerRow } from './ledger-sql.ts';
import { type MysqlSession, toBytes } from './session.ts';
import type { SessionFacts } from './session-set-up.ts';
import { readViews } from './table-links.ts';

const NO_SUCH_DATABASE = 1049;
const NO_SUCH_TABLE = 1146;

/*
 * The operations on the ledger of one MySQL pool. They reject with mysql2's error, except where they say otherwise.
 */

type Owned<Request> = Request & LedgerOwner;

/** Replies which token the fence holds. Creates the ledger if it is missing. */
export async function peekFence(
  session: MysqlSession,
  ledgerSql: LedgerSql,
  owner: LedgerOwner,
): Promise<ExecutorReply> {
  const fence = await readFence(session, ledgerSql, owner);
  await session.rollback();
  return { status: 'peeked', token: fence?.token ?? null };
}

/**
 * Opens an epoch. Once it has committed, no batch of an earlier epoch can commit.
 *
 * The UPDATE precedes the read: reading first would freeze this transaction's snapshot of the ledger, and hide the last
 * batch of a zombie that commits in between.
 *
 * @returns `refused` if the fence no longer holds `seenToken`, such as for a duplicate of the request that arrives late
 */
export async function openEpoch(
  session: MysqlSession,
  facts: SessionFacts,
  ledgerSql: LedgerSql,
  request: Owned<{ seenToken: string | null; token: string }>,
): Promise<ExecutorReply> {
  if (!(await writeFence(session, ledgerSql, request))) return { status: 'refused' };
  const fence = await readFence(session, ledgerSql, request);
  const views = await readViews(session);
  await session.rollback();
  const { maxAllowedPacket } = facts;
  return { status: 'opened', maxAllowedPacket, prunedIds: fence?.prunedIds ?? {}, views };
}

async function writeFence(
  session: MysqlSession,
  ledgerSql: LedgerSql,
  request: Owned<{ seenToken: string | null; token: string }>,
): Promise<boolean> {
  const statement =
    request.seenToken === null
      ? ledgerSql.firstFence(request, request.token)
      : ledgerSql.advanceFence(request, request.seenToken, request.token);
  let isWritten: boolean;
  try {
    const [fence] = await session.begin([statement]);
    isWritten = fence?.affectedRows === 1;
    if (isWritten) {
      await session.commit();
      return true;
    }
  } catch (error) {
    if (!isDuplicateEntry(error)) throw error;
  }
  await session.rollback();
  // The first attempt of this request may have committed, and only its reply been lost.
  const fence = await readFence(session, ledgerSql, request);
  await session.rollback();
  return fence?.token === request.token;
}

interface Fence {
  readonly token: string;
  readonly prunedIds: Record<string, string>;
}

async function readFence(
  session: MysqlSession,
  ledgerSql: LedgerSql,
  owner: LedgerOwner,
): Promise<Fence | undefined> {
  const read = () => session.one(ledgerSql.readFence(owner));
  const { rows } = await read().catch(async (error: unknown) => {
    const isMissing =
      isMysqlError(error) && (error.errno === NO_SUCH_DATABASE || error.errno === NO_SUCH_TABLE);
    if (!isMissing) throw error;
    for (const statement of ledgerSql.creation()) await session.one(statement);
    return read();
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  const pairs = [row['pruned_ids'], row['ids']].flatMap((ids) => Object.entries(toPrunedIds(ids)));
  return {
    token: toBytes(row['token']).toString('latin1'),
    prunedIds: Object.fromEntries(highestStreamIds(pairs)),
  };
}

function toPrunedIds(value: unknown): Record<string, string> {
  if (value === null || value === undefined) return {};
  const ids: unknown = JSON.parse(toBytes(value).toString('utf8'));
  return typeof ids === 'object' && ids !== null
    ? Object.fromEntries(Object.entries(ids).map(([stream, id]) => [stream, String(id)]))
    : {};
}

/** Replies with ledger rows of earlier epochs. Only the pruning of the current epoch still changes them. */
export async function readPage(
  session: MysqlSession,
  ledgerSql: LedgerSql,
  request: Owned<{ token: string; after: BatchKey | null; limit: number }>,
): Promise<ExecutorReply> {
  const page = await session.one(ledgerSql.page(request, request.token, request.after, request.limit + 1));
  await session.rollback();
  const rows = page.rows.slice(0, request.limit).map(toLedgerRow);
  return { status: 'page', rows, more: page.rows.length > request.limit };
}

/**
 * Voids a batch number whose outcome is unknown, by inserting its ledger row as void. The INSERT waits for an attempt
 * that is still running, and stops one that arrives later.
 *
 * @returns `void`; `done` with the outcome if the batch has committed after all; `refused` if another epoch has begun
 */
export async function voidBatch(
  session: MysqlSession,
  ledgerSql: LedgerSql,
  request: Owned<{ version: 1; deadline: number; token: string; number: number }>,
): Promise<ExecutorReply> {
  const claim = ledgerSql.claim({ ...request, entries: ascii('') }, '00'.repeat(32), 'void');
  try {
    const [row] = await session.begin([claim]);
    if (row?.affectedRows === 1) {
      await session.commit();
      return { status: 'void' };
    }
  } catch (error) {
    if (!isDuplicateEntry(error)) throw error;
  }
  await session.rollback();
  const found = toFoundBatch(await session.one(ledgerSql.find(request, request)));
  await session.rollback();
  if (found === undefined) return { status: 'refused' };
  return found.state === 'void' ? { status: 'void' } : { status: 'done', outcome: found.outcome };
}

/**
 * Marks ledger rows as settled or unsettled, and deletes those that the poller names. A deleted row can no longer be
 * looked up, so the ledger keeps the highest entry ID of each stream among the deleted rows.
 *
 * @returns `pruned`, or `refused` if another epoch has begun: nothing was changed then
 */
export async function pruneBatches(
  session: MysqlSession,
  ledgerSql: LedgerSql,
  request: Owned<{
    token: string;
    settled: BatchKey[];
    unsettled: BatchKey[];
    forget: BatchKey[];
    prunedIds: Record<string, string>;
  }>,
): Promise<ExecutorReply> {
  const [fence] = await session.begin([ledgerSql.shareFence(request, request.token)]);
  if (fence?.rows[0] === undefined) {
    await session.rollback();
    return { status: 'refused' };
  }
  if (request.settled.length > 0) await session.one(ledgerSql.markSettled(request, request.settled, true));
  if (request.unsettled.length > 0)
    await session.one(ledgerSql.markSettled(request, request.unsettled, false));
  if (request.forget.length > 0) {
    const { rows } = await session.one(ledgerSql.lockPruned(request));
    const pairs = [...Object.entries(toPrunedIds(rows[0]?.['ids'])), ...Object.entries(request.prunedIds)];
    const prunedIds = Object.fromEntries(highestStreamIds(pairs));
    await session.one(ledgerSql.writePruned(request, JSON.stringify(prunedIds)));
    await session.one(ledgerSql.forget(request, request.forget));
  }
  await session.commit();
  return { status: 'pruned' };
}
