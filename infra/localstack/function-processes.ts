import { readdir } from 'node:fs/promises';

/** Directory of the runtime executor. Each running function process has a file `processes/FUNCTION/PID` in it. */
export function executorDirectory(localStackDirectory: string): string {
  return `${localStackDirectory}/node-executor`;
}

/** Process IDs of a function. Each one is also the ID of a process group. */
export async function functionProcesses(
  { directory }: { readonly directory: string },
  functionName: string,
): Promise<number[]> {
  const names = await fileNames(`${executorDirectory(directory)}/processes/${functionName}`);
  return names.map(Number);
}

/** Kills all function processes. Call it after LocalStack has ended; otherwise it could start new ones. */
export async function killFunctionProcesses(localStack: { readonly directory: string }): Promise<void> {
  for (const functionName of await fileNames(`${executorDirectory(localStack.directory)}/processes`))
    for (const pid of await functionProcesses(localStack, functionName)) killProcessGroup(pid);
}

async function fileNames(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}

function killProcessGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The reaper has already killed it.
  }
}
