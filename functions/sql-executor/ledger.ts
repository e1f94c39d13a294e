import { ascii } from '../../shared/binary-string.ts';
import type { BatchKey, ExecutorReply } from '../../shared/protocol.ts';
import { highestStreamIds } from '../../shared/stream-id.ts';
import { isMysqlError } from './error-classes.ts';
import { type LedgerOwner, type LedgerSql, toFoundBatch, toLedgerRow } from './ledger-sql.ts';
import { type MysqlSession, toBytes } from './session.ts';
import type { SessionFacts } from './session-set-up.ts';

const NO_SUCH_DATABASE = 1049;
const NO_SUCH_TABLE = 1146;
const DUPLICATE_ENTRY = 1062;

type Owned<Request> = Request & LedgerOwner;

/** Which token the fence holds; makes the ledger where it is missing. */
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
 * Begins an epoch. The fence is written first: reading it first would freeze this transaction's view of the ledger, and
 * hide the last row of a zombie that commits in between. From the COMMIT on no batch of an earlier token can commit.
 *
 * A duplicate that arrives late finds another token than it saw, and changes nothing.
 */
export async function openEpoch(
  session: MysqlSession,
  facts: SessionFacts,
  ledgerSql: LedgerSql,
  request: Owned<{ seenToken: string | null; token: string }>,
): Promise<ExecutorReply> {
  if (!(await writeFence(session, ledgerSql, request))) return { status: 'refused' };
  const fence = await readFence(session, ledgerSql, request);
  await session.rollback();
  return { status: 'opened', maxAllowedPacket: facts.maxAllowedPacket, prunedIds: fence?.prunedIds ?? {} };
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
    if (!isMysqlError(error) || error.errno !== DUPLICATE_ENTRY) throw error;
  }
  await session.rollback();
  // The first try of this very request may have committed and its reply been lost.
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
  return { token: toBytes(row['token']).toString('latin1'), prunedIds: toPrunedIds(row) };
}

function toPrunedIds(row: Record<string, unknown>): Record<string, string> {
  const ids: unknown = JSON.parse(toBytes(row['pruned_ids']).toString('utf8'));
  return typeof ids === 'object' && ids !== null
    ? Object.fromEntries(Object.entries(ids).map(([stream, id]) => [stream, String(id)]))
    : {};
}

/** Rows of earlier epochs. They don't change any more but by the pruning of this one. */
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
 * Bars a number whose outcome is unknown: its row, inserted as void, waits for a try that is still running, and a late
 * one will meet it. Where the number has committed after all, returns what it did.
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
    if (!isMysqlError(error) || error.errno !== DUPLICATE_ENTRY) throw error;
  }
  await session.rollback();
  const found = toFoundBatch(await session.one(ledgerSql.find(request, request)));
  await session.rollback();
  if (found === undefined) return { status: 'refused' };
  return found.state === 'void' ? { status: 'void' } : { status: 'done', outcome: found.outcome };
}

/**
 * Notes which rows' entries are settled, and deletes those that the poller names, by key and under its own epoch. What is
 * deleted can no longer be looked up, so the highest entry ids among it are kept with the fence.
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
  const forgets = request.forget.length > 0;
  const mode = forgets ? 'FOR UPDATE' : 'LOCK IN SHARE MODE';
  const [fence] = await session.begin([ledgerSql.lockFence(request, request.token, mode)]);
  const row = fence?.rows[0];
  if (row === undefined) {
    await session.rollback();
    return { status: 'refused' };
  }
  if (request.settled.length > 0) await session.one(ledgerSql.markSettled(request, request.settled, true));
  if (request.unsettled.length > 0)
    await session.one(ledgerSql.markSettled(request, request.unsettled, false));
  if (forgets) {
    await session.one(ledgerSql.forget(request, request.forget));
    const pairs = [...Object.entries(toPrunedIds(row)), ...Object.entries(request.prunedIds)];
    const prunedIds = Object.fromEntries(highestStreamIds(pairs));
    await session.one(ledgerSql.writePrunedIds(request, JSON.stringify(prunedIds)));
  }
  await session.commit();
  return { status: 'pruned' };
}
