import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type InvokeCommandOutput, Lambda } from '@aws-sdk/client-lambda';
import { strToU8, zipSync } from 'fflate';
import * as z from 'zod';
import type { LocalStack } from '../../infra/localstack/localstack.ts';

/** A handler that does what its event says, and returns its process ID and how many invocations the process has had. */
export const SCRIPTABLE_HANDLER = `
  let invocations = 0;
  let ticks = 0;
  setInterval(() => { ticks += 1; }, 10).unref();
  export const handler = async (event, context) => {
    invocations += 1;
    if (event.say) console.log(event.say);
    if (event.fail) throw new TypeError(event.fail);
    if (event.exit !== undefined) process.exit(event.exit);
    if (event.reject) Promise.reject(new Error(event.reject));
    if (event.sleepMs) await new Promise((resolve) => setTimeout(resolve, event.sleepMs));
    const { functionName, memoryLimitInMB } = context;
    const remainingMs = context.getRemainingTimeInMillis();
    const answer = 'x'.repeat(event.answerBytes ?? 0);
    return { pid: process.pid, invocations, ticks, functionName, memoryLimitInMB, remainingMs, answer };
  };
`;

/** The result of an invocation. */
export interface InvocationResult {
  /** The handler's return value, or the error as Lambda describes it. */
  readonly payload: unknown;
  readonly isError: boolean;
}

export interface FunctionOptions {
  /** Default: 10. */
  readonly timeoutSeconds?: number;
  /** Default: `index.mjs`. */
  readonly file?: string;
}

export function lambdaClient(localStack: LocalStack): Lambda {
  return new Lambda({
    endpoint: localStack.endpoint,
    region: localStack.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    // A second attempt would hide a failure, and run a handler twice.
    maxAttempts: 1,
  });
}

/** Creates a function from the source of a module that exports `handler`. */
export async function createFunction(
  lambda: Lambda,
  name: string,
  source: string,
  { timeoutSeconds = 10, file = 'index.mjs' }: FunctionOptions = {},
): Promise<void> {
  await lambda.createFunction({
    FunctionName: name,
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Role: 'arn:aws:iam::000000000000:role/test',
    Timeout: timeoutSeconds,
    Code: { ZipFile: zip(source, file) },
  });
}

export function zip(source: string, file = 'index.mjs'): Uint8Array {
  return zipSync({ [file]: strToU8(source) });
}

export async function invoke(lambda: Lambda, name: string, event: unknown = {}): Promise<InvocationResult> {
  const output = await lambda.invoke({ FunctionName: name, Payload: JSON.stringify(event) });
  return { payload: payloadOf(output), isError: output.FunctionError !== undefined };
}

/** The process ID in the result of a handler that returns `{ pid }`. */
export function pidOf({ payload }: InvocationResult): number {
  return z.object({ pid: z.int() }).parse(payload).pid;
}

function payloadOf({ Payload }: InvokeCommandOutput): unknown {
  return JSON.parse(Payload?.transformToString() ?? 'null');
}

/** Creates a function, invokes it once, and returns the ID of its process, which is frozen afterwards. */
export async function frozenProcess(lambda: Lambda): Promise<number> {
  await createFunction(lambda, 'frozen', SCRIPTABLE_HANDLER);
  return pidOf(await invoke(lambda, 'frozen'));
}

const ENDLESS_HANDLER = `
  import { writeFileSync } from 'node:fs';
  export const handler = async ({ startFile }) => {
    if (startFile === undefined) return { pid: process.pid };
    writeFileSync(startFile, '');
    for (;;);
  };
`;

/** Creates a function, invokes it with an endless loop, and returns the ID of its process, which handles no events. */
export async function busyProcess(lambda: Lambda, localStack: LocalStack): Promise<number> {
  await createFunction(lambda, 'busy', ENDLESS_HANDLER, { timeoutSeconds: 60 });
  const pid = pidOf(await invoke(lambda, 'busy'));
  const startFile = `${localStack.directory}/busy`;
  invoke(lambda, 'busy', { startFile }).catch(() => {}); // LocalStack ends before the invocation.
  while (!existsSync(startFile)) await sleep(50);
  return pid;
}
