import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ServerError } from '../local/servers/server-error.ts';
import type { LocalStackAddress } from './localstack.ts';

const PROJECT_ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CDK = `${PROJECT_ROOT}node_modules/aws-cdk/bin/cdk`;
const ACCOUNT = '000000000000';
const LAST_LINES = 30;

export interface CdkOptions {
  /** Gets each line that the command prints. Default: nothing is shown. */
  readonly onLine?: (line: string) => void;
  /** Ends the command. */
  readonly signal?: AbortSignal;
}

/** Makes LocalStack's account ready for {@link deploy}, with `cdk bootstrap`. */
export async function bootstrap(localStack: LocalStackAddress, options: CdkOptions = {}): Promise<void> {
  // Elsewhere than in the project, whose cdk.json would have the app synthesized first.
  const cwd = localStack.directory;
  await runCdk(localStack, ['bootstrap', `aws://${ACCOUNT}/${localStack.region}`], { cwd, ...options });
}

/**
 * Runs the ordinary `cdk` command in the project, against LocalStack instead of AWS.
 * @throws ServerError with its last words where it fails; the signal's reason where that ended it
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
  const end = (): boolean => child.kill('SIGTERM');
  signal?.addEventListener('abort', end);
  const lastLines: string[] = [];
  const [exitCode] = await readLines(child, (line) => {
    lastLines.push(line);
    if (lastLines.length > LAST_LINES) lastLines.shift();
    onLine?.(line);
  });
  signal?.removeEventListener('abort', end);
  signal?.throwIfAborted();
  if (exitCode === 0) return;
  throw new ServerError('cdk-failed', `cdk ${parameters.join(' ')} failed:\n${lastLines.join('\n')}`, {
    nextStep: `LocalStack's own log is ${localStack.logFile}, while it runs.`,
  });
}

async function readLines(child: ChildProcess, onLine: (line: string) => void): Promise<unknown[]> {
  const exit = once(child, 'close');
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null) createInterface(stream).on('line', onLine);
  return exit;
}

function cdkEnvironment(localStack: LocalStackAddress): NodeJS.ProcessEnv {
  // A profile or a session of the user's would win over LocalStack's key, or be sent along with it.
  const { AWS_PROFILE: _, AWS_SESSION_TOKEN: __, ...own } = process.env;
  return {
    ...own,
    ...localStack.environment,
    // What it keeps between runs and what it writes meanwhile goes with LocalStack.
    HOME: localStack.directory,
    TMPDIR: localStack.directory,
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    CDK_DISABLE_VERSION_CHECK: 'true',
    NO_COLOR: '1',
  };
}
