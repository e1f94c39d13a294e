import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** A program of this directory in a process of its own, so that its memory and its just-in-time code are its own too. */
export interface ChildProgram {
  readonly process: ChildProcess;
  /** The JSON that it wrote on stdout. Rejects with what it said on stderr where it failed. */
  readonly result: Promise<unknown>;
}

/** `name`: of a file in `programs`; `flags`: for Node. */
export function startProgram(
  { name, flags = [] }: { readonly name: string; readonly flags?: readonly string[] },
  ...parameters: readonly string[]
): ChildProgram {
  const file = `${import.meta.dirname}/programs/${name}.ts`;
  const child = spawn(process.execPath, [...process.execArgv, ...flags, file, ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { process: child, result: resultOf(child, name) };
}

async function resultOf(child: ChildProcess, name: string): Promise<unknown> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error(`${name} has no output`);
  const [output, complaints] = await Promise.all([text(stdout), text(stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`${name} failed: ${complaints.trim()}`);
  return JSON.parse(output);
}
