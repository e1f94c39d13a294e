import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/**
 * Returns `target`, filled by `fill` unless it is there. It is filled under another name and renamed when it is whole,
 * so that an interrupted installation is never taken for one, and two processes may do it at once.
 */
export async function keptDirectory(
  target: string,
  fill: (directory: string) => Promise<void>,
): Promise<string> {
  if (existsSync(target)) return target;
  const unfinished = `${target}.${process.pid}`;
  await mkdir(dirname(target), { recursive: true });
  await removeAbandoned(target);
  try {
    await fill(unfinished);
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another process may have been faster.
    if (!existsSync(target)) throw error;
  }
  return target;
}

/** Removes what processes left that were ended while they filled it. */
async function removeAbandoned(target: string): Promise<void> {
  for (const name of await readdir(dirname(target))) {
    const isUnfinished = name.startsWith(`${basename(target)}.`);
    const pid = Number(name.split('.').at(-1));
    if (isUnfinished && (pid === process.pid || !isRunning(pid)))
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
