import * as z from 'zod';
import { BackgroundConsumerError, ConnectionError } from '../../../shared/errors.ts';

/*
 * Commands that Redis answers with an error although the connection works. This module knows the causes, and what an
 * operator can do about each.
 */

/** A command that Redis refused. Contains names only, never values. */
export interface RefusedCommand {
  readonly command: string;
  readonly key: string;
  /** A key of `REFUSALS`, or another word with which Redis begins its error. */
  readonly code: string;
}

interface RefusalFacts {
  readonly problem: string;
  readonly nextStep: string;
  /** True if it concerns the server rather than a command or a key, and may end without a change of settings. */
  readonly isOfServer: boolean;
}

const ACL_STEP =
  "Give the user the commands and keys that the section 'The Redis user' of docs/deploy.md lists.";
const TYPE_STEP = 'Find out which program uses this key for something else, then rename or delete the key.';

const REFUSALS: Readonly<Record<string, RefusalFacts>> = {
  NOPERM: {
    problem: 'the user does not have the permission for this command or this key',
    nextStep: ACL_STEP,
    isOfServer: false,
  },
  WRONGTYPE: {
    problem: 'the key is not a stream that can take an entry',
    nextStep: TYPE_STEP,
    isOfServer: false,
  },
  NOGROUP: {
    problem: 'the stream or its consumer group was deleted',
    nextStep: 'Find out which program deletes it; the next drain creates the group again.',
    isOfServer: false,
  },
  OOM: {
    problem: 'Redis has reached maxmemory',
    nextStep:
      'Raise maxmemory or delete data. Drains go on meanwhile, so that handled entries can be trimmed.',
    isOfServer: true,
  },
  READONLY: {
    problem: 'the server is a read-only replica',
    nextStep: 'Connect to the primary: after a failover, check the address of the pool or use Sentinel.',
    isOfServer: true,
  },
  MISCONF: {
    problem: 'Redis accepts no writes because it could not save its data to disk',
    nextStep: "Check the disk and the server's log. Redis accepts writes again after a successful save.",
    isOfServer: true,
  },
  NOREPLICAS: {
    problem: 'fewer replicas are connected than min-replicas-to-write requires',
    nextStep: 'Restore the replicas, or lower min-replicas-to-write.',
    isOfServer: true,
  },
  LOADING: {
    problem: 'Redis is loading its data after a start',
    nextStep: 'Wait until Redis has loaded its data.',
    isOfServer: true,
  },
  MASTERDOWN: {
    problem: 'the server is a replica that has lost its primary',
    nextStep: 'Restore the primary, or fail over to a replica.',
    isOfServer: true,
  },
  BUSY: {
    problem: "another client's script blocks Redis",
    nextStep: 'Wait until the script ends, or end it with SCRIPT KILL.',
    isOfServer: true,
  },
};

/** The errors of a script that was not allowed to run a command, in all versions since Redis 6. */
const NOPERM = /NOPERM|ACL failure in script|The user executing the script can't/;
const CODE = new RegExp(`(?:^|[ :-])(${Object.keys(REFUSALS).join('|')})(?= )`);

/** Returns why Redis refused a command, given its error; undefined if the error is of another kind. */
export function refusalCodeOf(error: unknown): string | undefined {
  if (error instanceof RefusalError) return error.refused.code;
  const text = error instanceof Error ? error.message : String(error);
  return NOPERM.test(text) ? 'NOPERM' : CODE.exec(text)?.[1];
}

/** Like `refusalCodeOf`, for the text of an error of any kind. */
export function errorCodeOf(text: string): string {
  return refusalCodeOf(text) ?? /^[A-Z]+(?= )/.exec(text)?.[0] ?? 'ERR';
}

/** True if the server refuses writes for now: the same command may succeed later. */
export function isRefusalOfServer(code: string | undefined): boolean {
  return code !== undefined && REFUSALS[code]?.isOfServer === true;
}

/** Which command Redis refused; undefined if the error is of another kind, or if Redis does not say. */
export function refusedCommandOf(error: unknown): RefusedCommand | undefined {
  if (error instanceof RefusalError) return error.refused;
  if (!(error instanceof Error)) return undefined;
  // ioredis stores the command with the error, and the errors of a transaction's commands with that of EXEC.
  if ('previousErrors' in error && Array.isArray(error.previousErrors))
    return refusedCommandOf(error.previousErrors[0]);
  const { success, data } = sentCommandSchema.safeParse(error);
  const code = refusalCodeOf(error);
  const isScript = success && data.command.name.startsWith('eval');
  if (!success || code === undefined || isScript) return undefined;
  return { command: data.command.name.toUpperCase(), key: String(data.command.args[0] ?? ''), code };
}

const textSchema = z.union([z.string(), z.number(), z.instanceof(Buffer)]);
const sentCommandSchema = z.object({ command: z.object({ name: z.string(), args: z.array(textSchema) }) });

/** A refusal as one of this project's errors, with a next step. Other errors stay as they are. */
export function explainRefusal(pool: string, error: unknown): unknown {
  const refused = refusedCommandOf(error);
  const code = refused?.code ?? refusalCodeOf(error);
  if (code === undefined || error instanceof BackgroundConsumerError) return error;
  const { message, nextStep } = describeRefusal(pool, code, refused);
  const name = code === 'NOPERM' ? 'redis-permission' : 'redis-refuses';
  return new ConnectionError(name, message, { nextStep, cause: error });
}

/** What Redis refuses in words, and what can be done about it. Without a command, it refuses everything that writes. */
export function describeRefusal(
  pool: string,
  code: string,
  refused?: Pick<RefusedCommand, 'command' | 'key'>,
): { readonly message: string; readonly nextStep: string } {
  const { problem, nextStep } = REFUSALS[code] ?? {
    problem: 'the command failed',
    nextStep: "Read the server's log.",
  };
  const subject =
    refused === undefined ? 'refuses commands' : `refuses ${refused.command} on '${refused.key}'`;
  return { message: `Redis pool '${pool}' ${subject}: ${problem} (${code})`, nextStep };
}

/** Redis refused a command. */
export class RefusalError extends Error {
  override readonly name = 'RefusalError';
  readonly refused: RefusedCommand;
  readonly code: string;

  constructor(refused: RefusedCommand) {
    super(`${refused.code} ${refused.command} was refused`);
    this.refused = refused;
    this.code = refused.code;
  }
}
