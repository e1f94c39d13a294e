import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseMysqlDsn } from '../../shared/registry/mysql-dsn.ts';
import { parseRedisUri } from '../../shared/registry/redis-uri.ts';
import { parseRegistry, RegistryError } from '../../shared/registry/registry.ts';

const SECRET = 'hunter2secret';
const RUNS = 2_000;
const seed = Math.trunc(Math.random() * 2 ** 31);

/** Every error except a RegistryError fails the test, and so does an error that contains the secret. */
function parseWithoutSurprise(text: string): 'parsed' | 'rejected' {
  try {
    parseRegistry(text, 'r.yaml');
    return 'parsed';
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    expect(`${error.message}${error.nextStep}${JSON.stringify(error.problems)}`).not.toContain(SECRET);
    expect(error.message).not.toContain('\n');
    return 'rejected';
  }
}

function check(name: string, texts: fc.Arbitrary<string>): void {
  const counts = { parsed: 0, rejected: 0 };
  fc.assert(
    fc.property(texts, (text) => {
      counts[parseWithoutSurprise(text)] += 1;
    }),
    { seed, numRuns: RUNS },
  );
  console.log(`registry fuzz, ${name}: seed ${seed}, ${counts.parsed} parsed, ${counts.rejected} rejected`);
}

const SAMPLE = `default:
  mysql: app:${SECRET}@tcp(localhost:3306)/app?tls=true
  redis: localhost:6379:0:ns?user=app&password=${SECRET}
  streams: { a: [g], "b": ['h'] }
other:
  mysql: { uri: "app:${SECRET}@unix(/run/my.sock)/app" }
  sentinel:
    master:1:ns?user=u&password=${SECRET}: [":26379"]
`;

describe('a registry of any content', () => {
  it('is parsed or rejected as a whole if it is any text', () => {
    check('text', fc.string({ unit: 'binary' }));
  });

  it('is parsed or rejected as a whole if it is any YAML', () => {
    const anyKey = fc.oneof(fc.constantFrom('default', 'sentinel', '__proto__', '<<', 'uri'), fc.string());
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('h:6379', 'u:p@/d', 'g', '', 7, -0, null, true, 'h:1:0:n', ['g']),
        fc.dictionary(anyKey, tie('tree'), { maxKeys: 3 }),
        fc.array(tie('tree'), { maxLength: 3 }),
      ),
    }));
    const either = <Good>(good: Good) => fc.oneof({ weight: 9, arbitrary: fc.constant(good) }, tree);
    const pool = fc.record(
      {
        mysql: either('u:p@/d'),
        redis: either('h:6379'),
        sentinel: either({ 'm:1': ['h:1'] }),
        streams: fc.dictionary(fc.string({ maxLength: 1 }), either(['g']), { maxKeys: 2 }),
        unknown: tree,
      },
      { requiredKeys: ['redis'] },
    );
    const registry = fc.record(
      { default: pool, a: pool, b: fc.oneof(pool, tree) },
      { requiredKeys: ['default'] },
    );
    check(
      'YAML',
      registry.map((value) => stringify(value)),
    );
  });

  it('is parsed or rejected without revealing passwords if it contains mistakes', () => {
    // No line break: a password alone before a colon cannot be distinguished from a key.
    const mistake = fc.record({
      at: fc.nat(SAMPLE.length),
      remove: fc.nat(3),
      insert: fc.constantFrom(
        '',
        ' ',
        '	',
        ':',
        '"',
        "'",
        '@',
        '?',
        '%',
        '&',
        '*',
        '-',
        '{',
        ']',
        '#',
        '|',
        '!',
      ),
    });
    const damage = (text: string, { at, remove, insert }: { at: number; remove: number; insert: string }) =>
      text.slice(0, at) + insert + text.slice(at + remove);
    check(
      'mistakes',
      fc.array(mistake, { minLength: 1, maxLength: 3 }).map((mistakes) => mistakes.reduce(damage, SAMPLE)),
    );
  });

  it('is rejected if its aliases expand without end', () => {
    const levels = Array.from(
      { length: 30 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`,
    );
    expect(parseWithoutSurprise(`l0: &l0 [x]\n${levels.join('\n')}`)).toBe('rejected');
    expect(parseWithoutSurprise('['.repeat(20_000))).toBe('rejected');
    expect(parseWithoutSurprise('a: &a\n  b: *a')).toBe('rejected');
  });
});

describe('a password of any characters', () => {
  it('survives in a DSN', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (password) => {
        expect(parseMysqlDsn(`u:${password}@tcp(h:1)/d`)).toMatchObject({
          value: { user: 'u', password, host: 'h' },
        });
      }),
      { seed, numRuns: RUNS },
    );
  });

  it('survives in a Redis address with percent encoding', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (password) => {
        fc.pre(password.isWellFormed());
        expect(parseRedisUri(`h:1:0?user=u&password=${encodeURIComponent(password)}`)).toMatchObject({
          value: { username: 'u', password },
        });
      }),
      { seed, numRuns: RUNS },
    );
  });
});
