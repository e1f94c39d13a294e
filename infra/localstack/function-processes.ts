import { readdir } from 'node:fs/promises';

/** The runtime executor's files, in LocalStack's directory. It names each running process: `processes/FUNCTION/PID`. */
export function executorDirectory(localStackDirectory: string): string {
  return `${localStackDirectory}/node-executor`;
}

/** Process ids, each also that of a process group. */
export async function functionProcesses(
  { directory }: { readonly directory: string },
  functionName: string,
): Promise<number[]> {
  const names = await namesIn(`${executorDirectory(directory)}/processes/${functionName}`);
  return names.map(Number);
}

/** To be called when LocalStack is dead, so that no new ones come. */
export async function endFunctionProcesses(place: { readonly directory: string }): Promise<void> {
  for (const functionName of await namesIn(`${executorDirectory(place.directory)}/processes`))
    for (const pid of await functionProcesses(place, functionName)) endProcessGroup(pid);
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}

function endProcessGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Its reaper was faster.
  }
}
