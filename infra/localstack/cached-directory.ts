import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/**
 * Returns `target`, and calls `fill` first if it does not exist. `fill` gets a temporary name, and the directory is
 * renamed once it is complete, so an interrupted installation is never used, and two processes can install at once.
 */
export async function cachedDirectory(
  target: string,
  fill: (directory: string) => Promise<void>,
): Promise<string> {
  if (existsSync(target)) return target;
  const temporary = `${target}.${process.pid}`;
  await mkdir(dirname(target), { recursive: true });
  await removeAbandoned(target);
  try {
    await fill(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Another process may have installed it in the meantime.
    if (!existsSync(target)) throw error;
  }
  return target;
}

/** Removes the temporary directories of processes that ended before they were complete. */
async function removeAbandoned(target: string): Promise<void> {
  for (const name of await readdir(dirname(target))) {
    const isTemporary = name.startsWith(`${basename(target)}.`);
    const pid = Number(name.split('.').at(-1));
    if (isTemporary && (pid === process.pid || !isRunning(pid)))
      await rm(`${dirname(target)}/${name}`, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
