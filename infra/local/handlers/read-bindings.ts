import { dirname, resolve } from 'node:path';
import { parseBindings, type StreamBinding } from '../../../functions/poller/channels/own-streams/binding.ts';
import { BINDINGS_FILE, readYamlFile } from '../../../shared/read-yaml-file.ts';
import type { PollerRegistry } from '../../../shared/registry/types.ts';

/**
 * Reads the bindings of own streams from a YAML file. Paths of modules become absolute; in the file they are relative to
 * its directory.
 *
 * @throws ConfigurationError where it can't be read, or that names the place of everything that is wrong
 */
export function readBindings(path: string, registry: PollerRegistry): StreamBinding[] {
  const bindings = parseBindings(readYamlFile(path, BINDINGS_FILE), path, registry);
  return bindings.map((binding) => {
    const { handler } = binding;
    if (handler.kind !== 'module') return binding;
    return { ...binding, handler: { ...handler, path: resolve(dirname(path), handler.path) } };
  });
}
