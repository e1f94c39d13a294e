import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ServerError } from '../local/servers/server-error.ts';
import type { LocalStackAddress } from './localstack.ts';

const PROJECT_ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CDK = `${PROJECT_ROOT}node_modules/aws-cdk/bin/cdk`;
const ACCOUNT = '000000000000';
const ERROR_OUTPUT_LINES = 30;

export interface CdkOptions {
  /** Called with each line that the command prints. Default: the output is discarded. */
  readonly onLine?: ((line: string) => void) | undefined;
  /** Terminates the command. */
  readonly signal?: AbortSignal | undefined;
}

/** Prepares LocalStack's account for deployments with `cdk bootstrap`. */
export async function bootstrap(localStack: LocalStackAddress, options: CdkOptions = {}): Promise<void> {
  await runCdk(localStack, ['bootstrap', `aws://${ACCOUNT}/${localStack.region}`], {
    // Not the project root: its cdk.json would make the command synthesize the app first.
    cwd: localStack.directory,
    onLine: options.onLine,
    signal: options.signal,
  });
}

/**
 * Runs the regular `cdk` command against LocalStack instead of AWS, by default in the project root.
 * @throws ServerError with the last lines of its output if it fails; the signal's reason if the signal terminated it
 */
export async function runCdk(
  localStack: LocalStackAddress,
  parameters: readonly string[],
  { cwd = PROJECT_ROOT, onLine, signal }: CdkOptions & { readonly cwd?: string } = {},
): Promise<void> {
  signal?.throwIfAborted();
  const child = spawn(process.execPath, [CDK, ...parameters], {
    cwd,
    env: cdkEnvironment(localStack),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const terminate = (): boolean => child.kill('SIGTERM');
  signal?.addEventListener('abort', terminate);
  const lastLines: string[] = [];
  const [exitCode] = await readLines(child, (line) => {
    lastLines.push(line);
    if (lastLines.length > ERROR_OUTPUT_LINES) lastLines.shift();
    onLine?.(line);
  });
  signal?.removeEventListener('abort', terminate);
  signal?.throwIfAborted();
  if (exitCode === 0) return;
  throw new ServerError('cdk-failed', `cdk ${parameters.join(' ')} failed:\n${lastLines.join('\n')}`, {
    nextStep: `See LocalStack's own log, ${localStack.logFile}, while LocalStack is running.`,
  });
}

async function readLines(child: ChildProcess, onLine: (line: string) => void): Promise<unknown[]> {
  const exit = once(child, 'close');
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null) createInterface(stream).on('line', onLine);
  return exit;
}

function cdkEnvironment(localStack: LocalStackAddress): NodeJS.ProcessEnv {
  // The user's profile would take precedence over LocalStack's key, and the session token would be sent with it.
  const { AWS_PROFILE: _, AWS_SESSION_TOKEN: __, ...inherited } = process.env;
  return {
    ...inherited,
    ...localStack.environment,
    // Caches and temporary files of `cdk` are removed together with LocalStack.
    HOME: localStack.directory,
    TMPDIR: localStack.directory,
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    CDK_DISABLE_VERSION_CHECK: 'true',
    NO_COLOR: '1',
  };
}
