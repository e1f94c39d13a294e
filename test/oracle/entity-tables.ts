import type { Tables } from '../kit/read-tables.ts';
import type { TestRegistry } from '../kit/test-registry.ts';

/** Maps each log table `schema._log_<pool>_<table>` and each entity `main.<table>` to its `schema.table`. */
export function entityTables(registry: TestRegistry, tables: Tables): Map<string, string> {
  const found = new Map<string, string>();
  for (const [pool, { schema }] of registry.mysql) {
    for (const name of tables.keys()) {
      const [ofSchema, table = ''] = name.split('.');
      if (ofSchema === schema) found.set(`main.${table}`, name);
      const prefix = `_log_${pool}_`;
      if (table.startsWith(prefix)) found.set(name, `${schema}.${table.slice(prefix.length)}`);
    }
  }
  return found;
}
