import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { parseBindings, type StreamBinding } from '../../../functions/poller/own-streams/binding.ts';
import { ConfigurationError } from '../../../shared/errors.ts';
import type { PollerRegistry } from '../../../shared/registry/types.ts';

const NEXT_STEP = 'Give the path of a YAML file as docs/own-streams.md describes it.';

/**
 * Reads the bindings of own streams from a YAML file. Paths of modules become absolute; in the file they are relative to
 * its directory.
 *
 * @throws ConfigurationError where it can't be read, or that names the place of everything that is wrong
 */
export async function readBindings(path: string, registry: PollerRegistry): Promise<StreamBinding[]> {
  const bindings = parseBindings(parseYaml(await readText(path), path), path, registry);
  return bindings.map((binding) => {
    const { handler } = binding;
    if (handler.kind !== 'module') return binding;
    return { ...binding, handler: { ...handler, path: resolve(dirname(path), handler.path) } };
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new ConfigurationError('unreadable-bindings', `bindings ${path}: the file can't be read`, {
      nextStep: NEXT_STEP,
      cause,
    });
  }
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : 'unreadable';
    throw new ConfigurationError('invalid-bindings', `${path}: ${reason}`, { nextStep: NEXT_STEP, cause });
  }
}
