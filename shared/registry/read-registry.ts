import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ConfigurationError } from '../errors.ts';
import { parseRegistry } from './registry.ts';
import type { Registry } from './types.ts';

/**
 * Reads a registry from a file.
 *
 * @throws ConfigurationError `unreadable-registry` if the file cannot be read; RegistryError if its content is wrong
 */
export async function readRegistry(path: string): Promise<Registry> {
  return parseRegistry(await readText(path), path);
}

/** Like {@link readRegistry}, for code that cannot await, such as a CDK stack. */
export function readRegistrySync(path: string): Registry {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return parseRegistry(text, path);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): ConfigurationError {
  const reason =
    (cause instanceof Error && 'code' in cause && REASONS.get(cause.code)) || 'it cannot be read';
  return new ConfigurationError('unreadable-registry', `registry ${path}: ${reason}`, {
    nextStep: "Pass the path of the application's BeeORM registry (YAML).",
    cause,
  });
}

const REASONS = new Map<unknown, string>([
  ['ENOENT', 'there is no such file'],
  ['EISDIR', 'this is a directory'],
  ['EACCES', 'permission denied'],
]);
