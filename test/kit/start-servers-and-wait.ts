import { startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { startRedis } from '../../infra/local/servers/redis-server.ts';

/** A program for a test to kill: prints its servers' process ids and directories as one line of JSON. */
const servers = await Promise.all([startRedis(), startMariaDb()]);
console.log(JSON.stringify(servers.map(({ pid, directory }) => ({ pid, directory }))));
setInterval(() => {}, 60_000);
