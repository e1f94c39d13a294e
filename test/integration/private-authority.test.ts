import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { makeCertificate } from '../kit/certificates.ts';
import { insertThing } from '../kit/scene/events.ts';
import { thingNames } from '../kit/scene/inspect-scene.ts';
import { runConsumerIn } from '../kit/scene/run-consumer.ts';
import { openScene } from '../kit/scene/scene.ts';

test('a MySQL certificate of a private authority is trusted if NODE_EXTRA_CA_CERTS names the authority', async () => {
  const directory = mkdtempSync(`${tmpdir()}/certificates-`);
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const { certificate, key } = makeCertificate(directory, 'mysql', 'DNS:localhost');
  const server = await startMariaDb({
    flushLogAtCommit: 0,
    arguments: [`--ssl-cert=${certificate}`, `--ssl-key=${key}`],
  });
  onTestFinished(() => server.stop());
  const scene = await openScene({ mysql: { ...server, host: 'localhost' } });
  await scene.add(insertThing('encrypted'));
  const registryYaml = scene.registryYaml.replace(/(mysql: \S+app)/, '$1?tls=true');
  const unknown = await runConsumerIn({}, { ...scene, registryYaml }, 'drain', '--json');
  expect(unknown.exitCode).toBe(1);
  expect(unknown.stdout).toContain('NODE_EXTRA_CA_CERTS');
  const known = await runConsumerIn(
    { NODE_EXTRA_CA_CERTS: certificate },
    { ...scene, registryYaml },
    'drain',
  );
  expect(known).toMatchObject({ exitCode: 0 });
  expect(await thingNames(scene)).toEqual(['encrypted']);
});
