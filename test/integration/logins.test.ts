import { expect, onTestFinished, test } from 'vitest';
import { startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { lazyEvent } from '../kit/scene/events.ts';
import { openScene } from '../kit/scene/scene.ts';

test('a login that the consumer does not support ends the drain at once, with a next step', async () => {
  const server = await startMariaDb({ flushLogAtCommit: 0, arguments: ['--plugin-load-add=auth_ed25519'] });
  onTestFinished(() => server.stop());
  const scene = await openScene({ mysql: { ...server, host: '127.0.0.1' } });
  await scene.query("ALTER USER 'bee'@'%' IDENTIFIED VIA ed25519 USING PASSWORD('bee')");
  await scene.add(lazyEvent([{ sql: "INSERT INTO Thing(`Name`) VALUES ('waits')" }]));
  const summary = await drainScene(scene, { budgetMs: 20_000 });
  expect(summary).toMatchObject({ complete: false, reason: 'pool-down' });
  expect(summary.seconds).toBeLessThan(10);
  expect(summary.message).toMatch(/ed25519.*mysql_native_password/s);
});
